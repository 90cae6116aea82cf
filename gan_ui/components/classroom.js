// Who one is here, following and leading, and the lesson link.
const LEAD_AGAIN_MS = 20000, LEAD_AT_MOST_EVERY_MS = 250;
const t = (key, values) => ganLive.t('class.' + key, values);
const find = selector => element.querySelector(selector);
const me = Math.random().toString(36).slice(2);             // which of the owner's pages leads
let view = null, following = false, leading = false, followed = '', timer = 0, toldAt = 0;

function show() {
  for (const node of element.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of element.querySelectorAll('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
  const person = view && view.me, led = view && view.lead && view.lead.by !== me;
  const role = find('.ga-role'), follow = find('.ga-follow');
  role.hidden = !(props.shared && person);
  if (!role.hidden) role.textContent = t('is_' + person.role);
  find('.ga-lost').hidden = !props.lost;
  find('.ga-refused').hidden = new URLSearchParams(location.search).get('refused') !== 'owner';
  find('.ga-lead').hidden = !(person && person.may.lead === 'yes');
  follow.hidden = !led;
  follow.textContent = t(following ? 'following' : 'follow');
  follow.setAttribute('aria-pressed', String(following));
  find('.ga-menu').hidden = document.documentElement.classList.contains('gl-locked');
  if (find('.ga-menu').open) showLink();
}

// --- following: whatever the owner's page shows, as the poll brings it ---

function follow() {
  const lead = view && view.lead, key = JSON.stringify(lead || null);
  if (!lead) { following = false; followed = ''; return; }
  if (!following || key === followed || lead.by === me) return;
  followed = key;
  ganPlace.go(lead);
}
find('.ga-follow').addEventListener('click', () => { following = !following; followed = ''; follow(); show(); });

// --- leading: told at every change, and now and then so that the server knows that this page is still there ---

async function tell(place) {
  clearTimeout(timer);
  toldAt = Date.now();
  const body = JSON.stringify(place && { ...place, by: me });
  try {
    const response = await fetch('gradio_api/lab/lead', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    if (response.status === 403) { leading = find('.ga-lead input').checked = false; }
  } catch { /* the next one may arrive */ }
  if (leading) timer = setTimeout(() => tell(ganPlace.now), LEAD_AGAIN_MS);
}
find('.ga-lead input').addEventListener('change', event => {
  leading = event.target.checked;
  following = false;
  tell(leading ? ganPlace.now : null).then(ganLive.poke);
  show();
});
ganPlace.on('change', () => {
  if (find('.ga-menu').open) showLink();
  if (!leading) return;
  clearTimeout(timer);                                      // a slider that is dragged is told four times a second
  timer = setTimeout(() => tell(ganPlace.now), Math.max(0, toldAt + LEAD_AT_MOST_EVERY_MS - Date.now()));
});
function notice() {                                         // another page of the owner's leads now
  const lead = view && view.lead;
  if (leading && lead && lead.by !== me && Date.now() - toldAt > 3000) leading = find('.ga-lead input').checked = false;
}

// --- the lesson link ---

function showLink() {
  const card = document.querySelector('#setting-preset [role="radio"][aria-checked="true"]'), place = ganPlace.now;
  const values = { preset: card ? card.dataset.preset : '', run: place.run, tab: place.tab, lang: ganLive.language, lock: '1' };
  const query = new URLSearchParams();
  for (const box of element.querySelectorAll('.ga-parts input')) {
    if (box.checked && values[box.value]) query.set(box.value, values[box.value]);
  }
  find('.ga-url').value = location.origin + location.pathname + (query.size ? '?' + query : '');
  find('.ga-copied').textContent = '';
}
find('.ga-menu').addEventListener('toggle', showLink);
find('.ga-parts').addEventListener('change', showLink);
find('.ga-copy button').addEventListener('click', async () => {
  find('.ga-url').select();
  try { await navigator.clipboard.writeText(find('.ga-url').value); } catch { document.execCommand('copy'); }  // plain http
  find('.ga-copied').textContent = t('copied');
});
find('.ga-menu').addEventListener('keydown', event => {
  if (event.key !== 'Escape') return;
  find('.ga-menu').open = false;
  find('.ga-menu summary').focus();
});
document.addEventListener('pointerdown', event => { if (!find('.ga-menu').contains(event.target)) find('.ga-menu').open = false; });

ganLive.on('view', fresh => { view = fresh; notice(); follow(); show(); });
ganLive.on('language', show);
