// What is wrong, by the newest measurement, and a button for each cure: a branch of this run with other settings.
const t = (key, values) => ganLive.t('doctor.' + key, values);
const find = selector => element.querySelector(selector);
const list = find('.gx-alerts'), message = find('.gx-message'), cards = new Map();
let view = null;

const spell = cure => Object.entries(cure).map(([name, value]) => name + ' = ' + (Array.isArray(value) ? value.join(', ') : value)).join(', ');

// Everything is changed in place: a button must keep the focus, and stay disabled while its branch is being made.
function put(node, words) {
  if (node.textContent !== words) node.textContent = words;
  node.hidden = !words;
}

function offer(node, kind, cure, afresh) {
  node.hidden = !cure || !Object.keys(cure).length || !ganLive.may('branch');
  if (node.hidden) return;
  if (!node.firstChild) {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.kind = kind;
    button.addEventListener('click', () => {
      button.disabled = true;
      message.hidden = true;
      trigger('cure', {run: view.run, kind});
    });
    node.append(button, document.createElement('small'));
  }
  put(node.firstChild, t(kind === 'preset' ? 'cure' : 'branch'));
  const about = (view.status === 'running' ? 'about_pause' : 'about_branch') + (afresh ? '_afresh' : '');
  put(node.lastChild, t(about, {cure: spell(cure)}));
}

/** The first finding is open; the others are folded, so that the curves stay in sight. */
function makeCard(kind) {
  const card = document.createElement('li');
  card.dataset.kind = kind;
  card.innerHTML = '<details><summary></summary><p class="gx-measured"></p><p class="gx-reading"></p><p class="gx-try"></p>' +
    '<p class="gx-offer"></p></details>';
  card.firstChild.open = !cards.size;
  cards.set(kind, card);
  return card;
}

function showAlerts(alerts) {
  for (const [kind, card] of cards) if (!alerts.some(alert => alert.kind === kind)) { card.remove(); cards.delete(kind); }
  alerts.forEach(({kind, cure, title, measured, reading, try: advice}, place) => {
    const card = cards.get(kind) || makeCard(kind), language = ganLive.language;
    if (list.children[place] !== card) list.insertBefore(card, list.children[place] || null);
    put(card.querySelector('summary'), '⚠ ' + (title[language] || kind));
    put(card.querySelector('.gx-measured'), measured[language]);
    put(card.querySelector('.gx-reading'), reading[language]);
    put(card.querySelector('.gx-try'), advice[language]);
    offer(card.querySelector('.gx-offer'), kind, cure);
  });
}

function show() {
  const measured = (view && view.measured) || {}, lesson = view && view.lesson, run = view && view.run;
  const alerts = measured.alerts || [], newest = measured.alerts && measured.newest;  // what a branch brought along is not news of it
  const fails = lesson && !lesson.cured, over = ['finished', 'stopped', 'failed', 'paused'].includes(view && view.status);
  for (const node of element.querySelectorAll('[data-t]')) put(node, t(node.dataset.t));
  element.hidden = !run;
  showAlerts(alerts);
  find('.gx-calm').hidden = !newest || alerts.length > 0 || (fails && over) || view.status === 'failed';
  put(find('.gx-calm p'), newest ? t('digit_fid' in newest ? 'looked_at' : 'looked_at_less', {step: newest.step.toLocaleString('en-US')}) : '');
  find('.gx-waits').hidden = Boolean(newest) || Boolean(fails) || alerts.length > 0 || over;
  find('.gx-lesson').hidden = !lesson;
  if (lesson) {
    put(find('.gx-lesson h4'), t(fails ? 'lesson' : 'cured', {cure: spell(lesson.cure)}));
    put(find('.gx-lesson p'), lesson.about[ganLive.language]);
  }
  offer(find('.gx-lesson .gx-offer'), 'preset', fails ? lesson.cure : null, fails && lesson.afresh);
  find('.gx').hidden = ![...find('.gx').children].some(child => !child.hidden && (child !== list || alerts.length));
}

function forget() {                                       // another run: its findings and buttons are others
  message.hidden = true;
  list.replaceChildren();
  cards.clear();
  find('.gx-lesson .gx-offer').replaceChildren();
}

ganLive.on('view', fresh => { if (view && view.run !== fresh.run) forget(); view = fresh; show(); });
ganLive.on('language', show);
watch('value', () => {
  const {run, message: said} = props.value || {};
  for (const button of element.querySelectorAll('button')) button.disabled = false;
  message.hidden = !said;
  message.textContent = said || '';
  if (run) ganLive.select(run);
});
