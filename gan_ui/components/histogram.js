// How often G draws each digit, by the last measurement, with a line where real digits are; or that nobody can tell.
const t = (key, values) => ganLive.t('quality.' + key, values);
const percent = share => (100 * share).toFixed(0) + '%';
let view = null;

function show() {
  const {newest, real_histogram: reals} = (view && view.run && view.measured) || {}, shares = newest && newest.histogram;
  const known = Boolean(shares && reals);
  element.querySelector('.gq').hidden = !newest;
  element.querySelector('ol').hidden = !known;
  element.querySelector('h4').textContent = t(known ? 'histogram' : 'no_histogram');
  if (!known) return;
  const withRest = list => [...list, Math.max(0, 1 - list.reduce((sum, share) => sum + share, 0))];
  const fakes = withRest(shares), expected = withRest(reals);
  const highest = Math.max(0.16, ...fakes, ...expected) * 1.05;
  element.querySelectorAll('li').forEach((bar, digit) => {
    bar.querySelector('i').style.height = 100 * fakes[digit] / highest + '%';
    bar.querySelector('b').style.bottom = 100 * expected[digit] / highest + '%';
    bar.querySelector('.gq-share').textContent = percent(fakes[digit]);
    const words = {digit, fake: percent(fakes[digit]), real: percent(expected[digit])};
    bar.title = digit < 10 ? t('share', words) : t('no_digit', words);
    bar.classList.toggle('gq-rare', fakes[digit] < expected[digit] / 2);
  });
  const all = fakes.map((share, digit) => (digit < 10 ? digit : '?') + ': ' + percent(share)).join(', ');
  element.querySelector('ol').setAttribute('aria-label', t('bars', {shares: all}));
}

ganLive.on('view', fresh => { view = fresh; show(); });
ganLive.on('language', show);
