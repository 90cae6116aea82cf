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
  const highest = Math.max(0.16, ...shares, ...reals) * 1.05;
  element.querySelectorAll('li').forEach((bar, digit) => {
    bar.querySelector('i').style.height = 100 * shares[digit] / highest + '%';
    bar.querySelector('b').style.bottom = 100 * reals[digit] / highest + '%';
    bar.querySelector('.gq-share').textContent = percent(shares[digit]);
    bar.title = t('share', {digit, fake: percent(shares[digit]), real: percent(reals[digit])});
    bar.classList.toggle('gq-rare', shares[digit] < reals[digit] / 2);
  });
  const all = shares.map((share, digit) => digit + ': ' + percent(share)).join(', ');
  element.querySelector('ol').setAttribute('aria-label', t('bars', {shares: all}));
}

ganLive.on('view', fresh => { view = fresh; show(); });
ganLive.on('language', show);
