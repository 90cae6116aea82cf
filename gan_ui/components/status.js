/* Fills the status panel from the page's store, and tells Python ('moved') when another run or state is shown. */
const one = selector => element.querySelector(selector);
const t = (key, values) => ganLive.t('status.' + key, values);
let view = null, told = null;

function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  if (h) return t('hours', { h, m });
  return m ? t('minutes', { m, s: s % 60 }) : t('seconds', { s });
}

const whole = number => number.toLocaleString('en-US');

function put(selector, text) {
  const node = one(selector);
  if (node.textContent !== text) node.textContent = text;
}

function fact(name, text) { put(`[data-fact="${name}"]`, text); }

function show() {
  for (const node of element.querySelectorAll('[data-t]')) {
    const word = t(node.dataset.t);
    if (node.textContent !== word) node.textContent = word;
  }
  const none = !view || !view.run, status = none ? 'none' : view.status, pill = one('.gs-pill');
  pill.dataset.status = status;
  put('.gs-pill', t('is_' + status));
  put('.gs-run', none ? '' : view.run);
  const from = !none && view.parent;
  put('.gs-parent', from ? t('branched', { run: from.run, step: whole(from.step) }) : '');
  const offline = one('.gs-offline');
  offline.hidden = !(view && view.offline);
  put('.gs-offline', offline.hidden ? '' : t('offline'));
  one('.gs-facts').hidden = one('.gs-bar').hidden = one('.gs-settings').hidden = none;
  if (none) { one('.gs-waiting').hidden = one('.gs-error').hidden = true; return; }
  showNumbers();
  showTrouble();
  showSettings();
}

function showNumbers() {
  // a training by the clock has no step to reach: its progress is its time
  const limit = view.settings.seconds || 0, byTime = limit > 0 && view.target >= 1e7;
  const part = byTime ? view.seconds / limit : view.target ? view.step / view.target : 0;
  const percent = Math.min(100, 100 * part), bar = one('.gs-bar');
  bar.firstElementChild.style.width = percent + '%';
  bar.setAttribute('aria-valuenow', percent.toFixed(0));
  bar.setAttribute('aria-label', t('progress'));
  fact('step', byTime ? whole(view.step) : t('step_of', { step: whole(view.step), target: whole(view.target) }));
  fact('epoch', whole(view.epoch));
  fact('speed', view.speed ? view.speed.toFixed(view.speed < 10 ? 1 : 0) : '–');
  fact('eta', view.eta === null ? '–' : duration(view.eta));
  fact('device', view.device ? [view.device, view.precision, t('threads', { n: view.threads })].join(' · ') : '–');
}

function queued(ahead) {
  if (!ahead.length) return t('next');
  const time = view.waits === null ? null : duration(view.waits);
  return t(time ? 'place_in' : 'place', { n: ahead.length, runs: ahead.join(', '), time });
}

function showTrouble() {
  const waiting = one('.gs-waiting'), error = one('.gs-error');
  waiting.hidden = view.status !== 'queued';
  if (!waiting.hidden) put('.gs-waiting', queued(view.waiting_for));
  error.hidden = !view.error;
  if (view.error) {
    put('.gs-error > p', view.error[ganLive.language]);
    put('.gs-error pre', view.error.details);
    one('.gs-error details').hidden = !view.error.details;
  }
}

function showSettings() {
  const list = one('.gs-settings dl'), rows = Object.entries(view.settings);
  const key = JSON.stringify(rows);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...rows.flatMap(([name, value]) => {
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = name;
    dd.textContent = Array.isArray(value) ? value.join(', ') : String(value);
    return [dt, dd];
  }));
}

function tell() {
  const key = view.run + ' ' + (view.status || '');
  if (key === told) return;
  told = key;
  trigger('moved');
}

ganLive.on('view', fresh => { view = fresh; show(); tell(); });
ganLive.on('language', show);
watch('value', () => ganLive.select(props.value));
