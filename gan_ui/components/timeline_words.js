// What the Timeline tab says of the step it stands at. timeline.py joins this file in front of timeline.js, whose `line`,
// `now`, `find` and the like these are.

const NUMBERS = ['digit_fid', 'kid', 'precision', 'recall', 'diversity', 'nearest_real'];
const COMPARED = ['relativistic', 'wasserstein'];   // objectives whose D says nothing but which of two is more real

function setWords(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/** Fills a <select> with [value, label] pairs, touching it only when they have changed: it may be open. */
function fillOptions(select, pairs, value) {
  const described = JSON.stringify(pairs);
  if (select.dataset.pairs !== described) {
    select.dataset.pairs = described;
    select.replaceChildren(...pairs.map(([one, label]) => new Option(label, one)));
  }
  if (value !== undefined && select.value !== String(value)) select.value = value;
}

const sentenceOf = error => error.sentences ? error.sentences[ganLive.language] : ganLive.t('job.unreachable');
const fieldOf = error => error && error.sentences ? error.sentences.field : null;

function verdictOf(of, place, frame) {
  if (!of.generators[place]) return '';
  if (!of.discriminators[place]) return word('no_verdict');
  if (!frame || frame.error || frame.verdict === null) return '';
  return word(COMPARED.includes(of.objective) ? 'verdict_compared' : 'verdict', {value: frame.verdict.toFixed(frame.verdict < 0.01 ? 4 : 2)});
}

/** The numbers measured at a place beside those of real digits. */
function tellNumbers(list, of, place) {
  const row = of && place >= 0 && of.row_of[place] !== null ? of.rows[of.row_of[place]] : null, floor = (of && of.floor) || {};
  const realsOf = name => name in floor ? word('reals', {value: short(floor[name])}) : '';
  const pairs = row ? NUMBERS.filter(name => name in row).map(name => [name, short(row[name]), realsOf(name)]) : [];
  const described = JSON.stringify([pairs, ganLive.language]);
  if (list.dataset.pairs === described) return;
  list.dataset.pairs = described;
  list.replaceChildren(...pairs.flatMap(([name, value, reals]) => {
    const term = document.createElement('dt'), description = document.createElement('dd'), small = document.createElement('small');
    term.textContent = ganLive.t('quality.' + name);
    term.title = ganLive.t('quality.about_' + name);
    small.textContent = reals;
    description.append(value + ' ', small);
    return [term, description];
  }));
}
const short = value => value === 0 ? '0' : value >= 100 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);

function tellFound() {
  const row = line && line.row_of[now] !== null && line.row_of.length ? line.rows[line.row_of[now]] : null;
  setWords(find('.tl-measured-at'), row ? word('measured_at', {step: number(row.step)}) : word('unmeasured'));
  tellNumbers(find('.tl-found dl'), line, now);
  const found = row ? row.alerts : [], described = JSON.stringify([found, ganLive.language]), list = find('.tl-alerts');
  if (list.dataset.found === described) return;
  list.dataset.found = described;
  list.replaceChildren(...found.map(alert => {
    const item = document.createElement('li'), title = document.createElement('strong'), about = document.createElement('span');
    title.textContent = '⚠ ' + (alert.title[ganLive.language] || alert.kind);
    about.textContent = [alert.measured, alert.reading].map(text => text[ganLive.language]).filter(Boolean).join(' ');
    item.append(title, ' ', about);
    return item;
  }));
}

/** A button to where each kind of alert began, changed in place so that none loses the focus. */
function tellJumps() {
  const box = find('.tl-jumps'), begun = line ? line.begun : [];
  for (const button of [...box.children]) if (!begun.some(one => one.kind === button.dataset.kind)) button.remove();
  begun.forEach(({kind, title, step, place}, index) => {
    let button = [...box.children].find(one => one.dataset.kind === kind);
    if (!button) {
      button = document.createElement('button');
      button.type = 'button';
      button.dataset.kind = kind;
      button.addEventListener('click', () => go(button.place));
    }
    button.place = place;
    if (box.children[index] !== button) box.insertBefore(button, box.children[index] || null);
    setWords(button, '⚠ ' + (title[ganLive.language] || kind) + ' · ' + number(step));
  });
  const best = find('.tl-best');
  best.hidden = !line || line.best === null;
  if (!best.hidden) setWords(best, ganLive.t('replay.best', {value: line.lowest.digit_fid.toFixed(2), step: number(line.lowest.step)}));
}

function tellNotice() {
  const box = find('.tl-said'), said = refused || trouble, words = said ? sentenceOf(said) : notice ? word(notice.key, notice.values) : '';
  box.hidden = !words;
  setWords(box, words);
}

function tellNone() {
  const none = find('.tl-none'), empty = Boolean(line) && !line.steps.length, nothing = Boolean(view) && !subject();
  none.hidden = !empty && !nothing;
  const one = summary(subject()), trains = one && ['queued', 'starting', 'running'].includes(one.status);
  setWords(none, nothing ? ganLive.t('explore.empty') : empty ? word(trains ? 'empty_trains' : 'empty', {run: line.run}) : '');
  root.classList.toggle('tl-empty', nothing || !line || empty);
}

function tellPlace() {
  const last = line.steps.length - 1, step = line.steps[now], at = word('at', {step: number(step)});
  slider.max = last;
  slider.value = now;
  setWords(find('.tl-step'), at);
  const before = line.parent && step <= line.parent.step ? ' · ' + word('of_parent', {run: line.parent.run}) : '';
  setWords(find('.tl-count'), word('count', {i: now + 1, n: last + 1}) + before + (atEnd && trains() ? ' · ' + word('follows') : ''));
  slider.setAttribute('aria-valuetext', at + ', ' + word('count', {i: now + 1, n: last + 1}));
  find('.tl-back').disabled = now === 0;
  find('.tl-on').disabled = now === last;
  setWords(play, ganLive.t(player.playing ? 'replay.pause' : 'replay.play'));
  find('.tl-grid').setAttribute('aria-label', word('grid_alt', {at}));
  find('.tl-pose').setAttribute('aria-label', word('pose_alt', {at}));
  const grid = pictures.grid(line, now), frame = pictures.frame(line, now), pose = ganPose.pose;
  tellMissing('.tl-no-grid', grid && grid.error ? grid.error[ganLive.language] : line.pictures[now] ? '' : word('no_picture'));
  tellMissing('.tl-no-pose', frame && frame.error ? frame.error[ganLive.language] : !line.generators[now] ? word('no_generator')
    : pose && !poseNow() ? word('other_z', {got: pose.z.length, want: line.z_dim}) : '');
  setWords(find('.tl-verdict'), poseNow() ? verdictOf(line, now, frame) : '');
}
function tellMissing(name, words) {
  find(name).hidden = !words;
  setWords(find(name), words);
}
const trains = () => Boolean(line && (summary(line.run) || {}).status === 'running');

