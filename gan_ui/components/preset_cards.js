// One radio button a preset. The arrow keys move the choice, as in any group of radio buttons; closed cards are skipped.
const t = (key, values) => ganLive.t('presets.' + key, values);
const find = selector => element.querySelector(selector);
const cards = new Map();

function makeCard({name, picture, fails}) {
  const card = document.createElement('button');
  card.type = 'button';
  card.className = 'pc-card';
  card.dataset.preset = name;
  card.setAttribute('role', 'radio');
  // the name first, so that it is what a screen reader says first; the style sheet puts the picture above it
  card.innerHTML = '<strong></strong><small></small><span class="pc-picture"></span>';
  if (picture) {
    const image = new Image();
    image.addEventListener('error', () => image.remove());  // leaves the frame, without a broken picture in it
    image.src = picture;
    card.querySelector('.pc-picture').append(image);
  }
  card.addEventListener('click', () => choose(name));
  find('[data-fails="' + (fails ? 'yes' : 'no') + '"]').append(card);
  return card;
}

function duration(seconds) {
  return seconds < 90 && seconds % 60 ? t('seconds', {n: seconds}) : t('minutes', {n: Math.max(1, Math.round(seconds / 60))});
}

function show() {
  const chosen = props.cards.find(card => card.name === props.value);
  for (const {name, seconds, about, fails} of props.cards) {
    const card = cards.get(name), on = name === props.value;
    card.setAttribute('aria-checked', String(on));
    const image = card.querySelector('img');
    if (image) image.alt = t(fails ? 'failed_picture' : 'picture');
    card.title = about[ganLive.language];
    card.querySelector('strong').textContent = name;
    card.querySelector('small').textContent = duration(seconds);
  }
  find('[data-t]').textContent = t('broken');
  find('.pc').setAttribute('aria-label', t('label'));
  find('.pc-broken').hidden = !props.cards.some(card => card.fails);
  if (chosen && chosen.fails) find('.pc-broken').open = true;
  setTabStop();
  const said = chosen ? (chosen.fails ? t('fails') + ' ' : '') + chosen.about[ganLive.language] : '';
  if (find('.pc-about').textContent !== said) find('.pc-about').textContent = said;
}

/** Tab leads to the chosen card or, where that one is folded away, to the first. */
function setTabStop() {
  const open = visible(), stop = open.find(card => card.dataset.preset === props.value) || open[0];
  for (const card of cards.values()) card.tabIndex = card === stop ? 0 : -1;
}

const visible = () => [...cards.values()].filter(card => find('.pc-broken').open || !find('.pc-broken').contains(card));

function choose(name) {
  if (name === props.value) return;
  props.value = name;
  show();
  cards.get(name).scrollIntoView({block: 'nearest', inline: 'nearest'});
  trigger('input');
}

element.addEventListener('keydown', event => {
  const toward = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (!toward || !event.target.classList.contains('pc-card')) return;
  event.preventDefault();
  const open = visible(), next = open[(open.indexOf(event.target) + toward + open.length) % open.length];
  next.focus();
  choose(next.dataset.preset);
});
for (const card of props.cards) cards.set(card.name, makeCard(card));
find('.pc-broken').addEventListener('toggle', setTabStop);
watch('value', show);
ganLive.on('language', show);
