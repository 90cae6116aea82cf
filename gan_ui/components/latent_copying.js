// Is it copying? On demand: the training digits nearest to the fake of the present pose.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope.

const COPY = 0.35, CLOSE = 0.7;    // relative distances: below COPY it all but is one, below CLOSE it is closer than digits are
const FULL = 2;                    // where a bar ends

const root = element.querySelector('.lc-part');
const part = makePart(root, 'latent_copying', {changed, spoke: tell}), {find, word} = part;
const strip = makeJobStrip(find('.jb'), {done: status => { found = {...status.result, key: lookedAt}; tell(); }});

let lookedAt = '', found = null;   // the pose that was last asked about; what was found, of which pose

const key = () => part.pose ? [part.pose.run, part.pose.snapshot, part.pose.psi, JSON.stringify(classAsked(part.pose)), part.pose.z.join()].join(' ') : '';

function look() {
  const query = asked(part.pose), body = part.pose.z;
  lookedAt = key();
  strip.start(() => ask('copying', query, {method: 'POST', body}));
}

function changed() {
  find('.ly-look').disabled = !part.pose;
  if (found) find('.ly-found').classList.toggle('ly-old', found.key !== key());
  if (found && found.key !== key() && !find('.ly-verdict').dataset.old) tell();
}

function tell() {
  find('.ly-found').hidden = !found;
  if (!found) return;
  const old = found.key !== key(), nearest = Math.min(found.features[0].relative, found.pixels[0].relative);
  const verdict = nearest < COPY ? 'copy' : nearest < CLOSE ? 'close' : 'new';
  find('.ly-found').classList.toggle('ly-old', old);
  find('.ly-verdict').dataset.old = old ? '1' : '';
  find('.ly-verdict').textContent = (old ? word('old') + ' ' : '') + word('is_' + verdict, {nearest: nearest.toFixed(2)});
  drawPixels(find('.ly-fake canvas'), bytesOf(found.image));
  for (const section of root.querySelectorAll('.ly-kind')) {
    [...section.querySelectorAll('li')].forEach((item, i) => {
      const {image, index, relative} = found[section.dataset.kind][i], canvas = item.querySelector('canvas');
      drawPixels(canvas, bytesOf(image));
      item.querySelector('i').style.transform = 'scaleX(' + Math.min(1, relative / FULL) + ')';
      item.querySelector('.ly-far').textContent = relative.toFixed(2);
      item.title = word('real', {index: index.toLocaleString('en')});
      item.setAttribute('aria-label', word('real_at', {index: index.toLocaleString('en'), far: relative.toFixed(2)}));
    });
  }
}

find('.ly-look').addEventListener('click', look);
part.begin();
