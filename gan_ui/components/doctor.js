// What is wrong, by the newest measurement, and a button for each cure: a branch of this run with other settings.
const t = (key, values) => ganLive.t('doctor.' + key, values);
const find = selector => element.querySelector(selector);
const list = find('.gx-alerts'), message = find('.gx-message');
let view = null, shown = '';

const spell = cure => Object.entries(cure).map(([name, value]) => name + ' = ' + (Array.isArray(value) ? value.join(', ') : value)).join(', ');

function offer(node, kind, cure) {
  if (!Object.keys(cure).length) return;
  const button = document.createElement('button'), note = document.createElement('small');
  button.type = 'button';
  button.dataset.kind = kind;
  button.textContent = t(kind === 'preset' ? 'cure' : 'branch', {cure: spell(cure)});
  note.textContent = t('about_branch', {cure: spell(cure)});
  button.addEventListener('click', () => {
    button.disabled = true;
    message.hidden = true;
    trigger('cure', {run: view.run, kind});
  });
  node.append(button, note);
}

function line(className, words) {
  const node = document.createElement('p');
  node.className = className;
  node.textContent = words;
  return node;
}

function alertCard({kind, cure, ...texts}) {
  const card = document.createElement('li'), title = document.createElement('h4'), offered = line('gx-offer', '');
  const language = ganLive.language;
  card.dataset.kind = kind;
  title.textContent = '⚠ ' + (texts.title[language] || kind);
  card.append(title, line('gx-measured', texts.measured[language]), line('', texts.reading[language]), line('gx-try', texts.try[language]), offered);
  offer(offered, kind, cure);
  return card;
}

function show() {
  const {alerts = [], newest} = (view && view.measured) || {}, lesson = view && view.lesson, run = view && view.run;
  const key = JSON.stringify([run, ganLive.language, alerts, lesson, Boolean(newest), view && view.status]);
  if (key === shown) return;                             // a button that has the focus must stay
  shown = key;
  for (const node of element.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
  element.hidden = !run;
  list.replaceChildren(...alerts.map(alertCard));
  const over = ['finished', 'stopped', 'failed', 'paused'].includes(view && view.status);
  find('.gx-calm').hidden = !newest || alerts.length > 0 || (lesson && over) || view.status === 'failed';
  find('.gx-calm p').textContent = newest ? t('digit_fid' in newest ? 'looked_at' : 'looked_at_less', {step: newest.step.toLocaleString('en-US')}) : '';
  find('.gx-waits').hidden = Boolean(newest) || Boolean(lesson) || alerts.length > 0 || over;
  find('.gx-lesson').hidden = !lesson;
  if (lesson) {
    find('.gx-lesson p').textContent = lesson.about[ganLive.language];
    find('.gx-lesson .gx-offer').replaceChildren();
    offer(find('.gx-lesson .gx-offer'), 'preset', lesson.cure);
  }
  find('.gx').hidden = ![...find('.gx').children].some(child => !child.hidden && (child !== list || alerts.length));
}

ganLive.on('view', fresh => { if (view && view.run !== fresh.run) message.hidden = true; view = fresh; show(); });
ganLive.on('language', () => { show(); });
watch('value', () => {
  const {run, message: said} = props.value || {};
  for (const button of element.querySelectorAll('button')) button.disabled = false;
  message.hidden = !said;
  message.textContent = said || '';
  if (run) ganLive.select(run);
});
