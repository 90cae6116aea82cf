// A run as a web page, to the Hub and from it, and the app as a Space. share.py joins latent_requests.js and jobs.js in front.

const LOOK_PATIENCE_MS = 100000, REFRESH_MS = 5000;
const word = (key, values) => ganLive.t('share.' + key, values);
const find = selector => element.querySelector(selector);
const sentence = pair => pair[ganLive.language] || pair.en;
const megabytes = bytes => (bytes / 1e6).toFixed(1);

let view = null, explored = '', me = null, visible = false, facts = null, factsOf = '', factsAt = 0;
const cards = {};

/** One card: its form, its strip, and the place for what came of it. */
function makeCard(name, {path, body, done, told = () => {}, ended = () => {}, says = () => ''}) {
  const form = find('[data-card=' + name + ']'), result = form.querySelector('.sh-done');
  const strip = makeJobStrip(form, {
    told,
    says,
    done: (status, id) => { if (status.result) done(status.result); },
    ended: error => { show(); ended(error); },
  });
  const card = {
    form, strip, name,
    field: field => form.elements[field],
    will: form.querySelector('.sh-will'),
    start() {
      if (strip.running || !card.filled()) return;
      result.hidden = true;
      const sent = strip.start(() => post(path(), body()));
      show();
      return sent;
    },
    /** Whether a name was typed where one is needed; if not, it says so there. */
    filled() {
      const repo = card.field('repo'), missing = Boolean(repo) && !repo.value.trim();
      if (repo) repo.setAttribute('aria-invalid', String(missing));
      if (missing) { repo.focus(); strip.start(() => Promise.reject(Object.assign(new Error('no name'), {sentences: bothLanguages('no_name')}))); }
      return !missing;
    },
    finished(key, url, text) {
      result.hidden = false;
      result.querySelector('span').textContent = word(key);
      const link = result.querySelector('a');
      link.hidden = !url;
      link.href = url || '';
      link.textContent = text || url || '';
    },
  };
  form.addEventListener('submit', event => { event.preventDefault(); card.submit(); });
  form.addEventListener('input', () => { result.hidden = true; if (card.field('repo')) card.field('repo').removeAttribute('aria-invalid'); card.changed(); show(); });
  card.submit = card.start;
  card.changed = () => {};
  cards[name] = card;
  return card;
}

const bothLanguages = key => ({en: GAN_WORDS['share.' + key][0], zh: GAN_WORDS['share.' + key][1]});
function post(path, body) {
  const headers = {'content-type': 'application/json'};
  return ask('share/' + path, {}, {method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(LOOK_PATIENCE_MS)});
}

// ---- the four ----

makeCard('replay', {
  path: () => 'replay',
  body: () => ({run: ganSubject.run, kind: cards.replay.field('kind').value}),
  done: () => {},
});

makeCard('push', {
  path: () => ganLive.may('push') ? 'push' : 'push_own',
  body: () => ({run: ganSubject.run, repo: cards.push.field('repo').value, tag: cards.push.field('tag').value, private: cards.push.field('private').checked}),
  done: result => cards.push.finished('pushed', result.url),
});

makeCard('pull', {
  path: () => 'pull',
  body: () => ({repo: cards.pull.field('repo').value}),
  done: result => { cards.pull.finished('pulled', '', ''); ganLive.select(result.run); },
});

let plan = null, built = '';
const publish = makeCard('publish', {
  path: () => 'publish',
  body: asked,
  told: status => { built = status.data.url || ''; },
  says: ({data}) => data.url ? word(/STARTING/.test(data.stage) ? 'stage_starting' : 'stage_building') : '',
  done: result => { built = ''; plan = null; publish.finished('published', result.url); show(); },
  ended: error => {
    if (built && !error) { plan = null; publish.finished('being_built', built); show(); }
    built = '';
  },
});
function asked() {
  const field = publish.field;
  return {repo: field('repo').value, hardware: field('hardware').value, private: field('private').checked, run: field('with_run').checked ? ganSubject.run : ''};
}
// looking first: the button that publishes is there only below what it would do
publish.changed = () => { plan = null; };
publish.submit = async () => {
  if (publish.strip.running || !publish.filled()) return;
  const looked = JSON.stringify(asked());
  publish.looking = true;
  plan = null;
  publish.strip.clear();
  show();
  try {
    const found = await (await post('look', JSON.parse(looked))).json();
    if (JSON.stringify(asked()) === looked) plan = found;
  } catch (error) {
    publish.strip.start(() => Promise.reject(error));
  }
  publish.looking = false;
  show();
};
find('.sh-go').addEventListener('click', () => publish.start());

// ---- what is shown ----

function show() {
  if (!cards.publish || !view) return;
  const run = ganSubject.run, known = facts && factsOf.startsWith(run + ' ');
  find('.sh-who').textContent = !me ? '' : me.account ? word('signed_in', {account: me.account}) : me.error ? sentence(me.error) : word('own_token');
  const may = {replay: ganLive.may('export'), push: ganLive.may('push') || (props.space && ganLive.may('push_own')), pull: ganLive.may('pull'), publish: ganLive.may('publish')};
  find('.sh-who').hidden = !(may.push || may.pull || may.publish);
  for (const [name, card] of Object.entries(cards)) {
    card.form.hidden = !may[name];
    const blocked = name !== 'pull' && name !== 'publish' && !run;
    for (const button of card.form.querySelectorAll('.sh-buttons button')) button.disabled = blocked || card.strip.running || Boolean(card.looking);
  }
  const text = (card, words) => { if (card.will.textContent !== words) card.will.textContent = words; };
  text(cards.replay, run ? word('will_replay', {run}) : word('no_run'));
  const repo = cards.push.field('repo').value.trim() || (me && me.account ? me.account + '/NAME' : 'USER/NAME');
  const size = known ? word('size', {files: facts.files, mb: megabytes(facts.bytes)}) : '';
  const further = known ? word(facts.checkpoint === null ? 'without_checkpoint' : 'with_checkpoint', {step: (facts.checkpoint || 0).toLocaleString('en')}) : '';
  text(cards.push, !run ? word('no_run') : facts && facts.error ? sentence(facts.error) :
    [word('will_push', {run, repo, size}), further, word(cards.push.field('private').checked ? 'nobody_sees' : 'everybody_sees'), word('stays')].filter(Boolean).join(ganLive.language === 'zh' ? '' : ' '));
  text(cards.pull, word('will_pull', {repo: cards.pull.field('repo').value.trim() || 'USER/NAME'}));
  if (me && me.account) cards.push.field('repo').placeholder = me.account + '/gan-live';
  showPlan();
}

function showPlan() {
  const go = find('.sh-go'), {will} = publish;
  go.hidden = !plan;
  publish.form.querySelector('[data-t=do_look]').hidden = Boolean(plan);
  if (!plan) { will.textContent = word(publish.looking ? 'looking' : 'will_look'); return; }
  const list = document.createElement('ul'), table = document.createElement('table');
  for (const pair of plan.says) list.appendChild(document.createElement('li')).textContent = sentence(pair);
  for (const [name, count, bytes] of plan.parts) {
    const row = table.insertRow();
    const size = bytes < 100000 ? Math.ceil(bytes / 1000) + ' kB' : megabytes(bytes) + ' MB';
    for (const cell of [name, count > 1 ? word('files', {files: count}) : '', size]) row.insertCell().textContent = cell;
  }
  will.replaceChildren(list, table);
}

function showRuns() {
  const select = find('.sh-run'), listed = [...(view.runs || []), ...(view.pretrained || [])].map(run => [run.id, run.status ? '' : word('ships')]);
  const run = ganSubject.run, key = JSON.stringify([listed, run, ganLive.language]);
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  select.replaceChildren(...listed.map(([id, note]) => new Option(id + (note && ' · ' + note), id, false, id === run)));
}
find('.sh-run').addEventListener('change', event => ganSubject.choose(event.target.value));

// ---- what the server knows ----

async function refresh() {
  if (!visible || !view) return;
  const run = ganSubject.run, of = run + ' ' + view.status + ' ' + (view.snapshots || []).length;
  if (run && of !== factsOf && performance.now() - factsAt > (factsOf.startsWith(run + ' ') ? REFRESH_MS : 0)) {
    factsOf = of;
    factsAt = performance.now();
    try { facts = await (await ask('share/run', {run})).json(); }
    catch (error) { facts = error.sentences ? {error: error.sentences} : null; if (!facts) factsOf = ''; }
  }
  show();
}

async function askMe() {
  try { me = await (await ask('share/me', {})).json(); } catch { me = null; }
  show();
}

function speak() {
  for (const node of element.querySelectorAll('[data-t]')) node.textContent = word(node.dataset.t);
  find('[name=hardware] option').textContent = word('hardware_free');
  if (view) showRuns();
  show();
}

new IntersectionObserver(entries => {
  visible = entries.at(-1).isIntersecting;
  if (visible) { askMe(); refresh(); }
}).observe(find('.sh'));
ganSubject.on((run, fresh) => {
  if (explored && explored !== run) publish.changed();
  explored = run;
  view = fresh;
  showRuns();
  refresh();
});
ganLive.on('language', speak);
speak();
