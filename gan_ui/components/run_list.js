/* One card a run, kept in the order of the server's list; cards are changed in place so that focus is never lost. */
const list = element.querySelector('ul'), cards = new Map();
const t = (key, values) => ganLive.t('runs.' + key, values);
let view = null;

function button(name, press) {
  const node = document.createElement('button');
  node.type = 'button';
  node.dataset.action = name;
  node.addEventListener('click', press);
  return node;
}

function makeCard(id) {
  const card = document.createElement('li');
  card.innerHTML = '<button type="button" class="gr-open"><img alt="" hidden><span class="gr-blank"></span></button>' +
    '<div class="gr-text"><strong></strong><span class="gr-state"></span><small></small>' +
    '<div class="gr-buttons"></div><p class="gr-message" role="alert" hidden></p></div>';
  // the whole card opens its run; the thumbnail is the button for the keyboard, and what has buttons of its own keeps them
  card.addEventListener('click', event => {
    if (!event.target.closest('.gr-buttons, .gr-message') && !String(getSelection())) ganLive.select(id);
  });
  card.querySelector('img').addEventListener('error', event => { event.target.hidden = true; });
  card.querySelector('.gr-buttons').append(
    button('resume', () => { say(card, ''); trigger('resume', { run: id }); }),
    button('delete', () => ask(card, true)),
    button('confirm', () => { ask(card, false); say(card, ''); trigger('remove', { run: id }); }),
    button('keep', () => { ask(card, false); card.querySelector('[data-action="delete"]').focus(); }));
  ask(card, false);
  return card;
}

function ask(card, asking) {
  card.dataset.asking = asking ? 'yes' : '';
  for (const node of card.querySelectorAll('[data-action]')) {
    node.hidden = asking !== ['confirm', 'keep'].includes(node.dataset.action);
  }
  if (asking) card.querySelector('[data-action="keep"]').focus();
}

function say(card, sentence) {
  const node = card.querySelector('.gr-message');
  node.textContent = sentence;
  node.hidden = !sentence;
}

function fill(card, run) {
  const image = card.querySelector('img');
  if (run.picture && image.getAttribute('src') !== run.picture) { image.src = run.picture; image.hidden = false; }
  card.querySelector('strong').textContent = run.branch ? t('branch', { preset: run.preset }) : run.preset;
  const state = card.querySelector('.gr-state');
  state.textContent = ganLive.t('status.is_' + run.status);
  state.dataset.status = run.status;
  card.querySelector('small').textContent = t('at', { step: run.step.toLocaleString('en-US'), run: run.id });
  card.querySelector('.gr-open').setAttribute('aria-label', t('open', { run: run.id }));
  for (const node of card.querySelectorAll('[data-action]')) node.textContent = t(node.dataset.action);
  for (const action of ['resume', 'delete']) {
    const node = card.querySelector('[data-action="' + action + '"]'), may = ganLive.may(action, run);
    node.disabled = !may || !run.allowed.includes(action);
    node.title = may ? '' : t('not_yours');
  }
  card.classList.toggle('gr-shown', run.id === view.run);
  card.setAttribute('aria-current', run.id === view.run ? 'true' : 'false');
}

function show() {
  for (const node of element.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
  if (!view) return;
  element.querySelector('.gr-empty').hidden = view.runs.length > 0;
  const wanted = new Set(view.runs.map(run => run.id));
  for (const [id, card] of cards) if (!wanted.has(id)) { card.remove(); cards.delete(id); }
  view.runs.forEach((run, place) => {
    if (!cards.has(run.id)) cards.set(run.id, makeCard(run.id));
    const card = cards.get(run.id);
    if (list.children[place] !== card) list.insertBefore(card, list.children[place] || null);
    fill(card, run);
  });
}

ganLive.on('view', fresh => { view = fresh; show(); });
ganLive.on('language', show);
watch('value', () => {
  const { run, message } = props.value || {};
  if (cards.has(run)) say(cards.get(run), message || '');
  ganLive.poke();
});
