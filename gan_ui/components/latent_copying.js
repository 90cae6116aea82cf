// Is it copying? On demand: the training digits nearest to the fake of the present pose.
//
// Runs once when Gradio mounts the component, as the body of a function with `element` in scope.

const COPY = 0.35, CLOSE = 0.7;    // relative distances: below COPY it all but is one, below CLOSE it is closer than digits are
const FULL = 2;                    // where a bar ends

const root = element.querySelector('.lc-part');
const part = makePart(root, 'latent_copying', {changed, spoke: tell}), {find, word} = part;
const strip = makeJobStrip(find('.jb'), {done: status => { found = {...status.result, ...lookedAt}; tell(); }});

let oldTold = false;               // whether what is shown is said to be of an earlier pose
let lookedAt = null, found = null; // the pose that was last asked about, {z, key}; what was found, of which pose

const key = () => part.pose ? JSON.stringify(asked(part.pose)) : '';
const isOld = () => !part.pose || found.z !== part.pose.z || found.key !== key();

function look() {
  const query = asked(part.pose), body = part.pose.z;
  lookedAt = {z: body, key: key()};
  strip.start(() => ask('copying', query, {method: 'POST', body}));
}

function changed() {
  find('.ly-look').disabled = !part.pose;
  if (found && isOld() !== oldTold) tell();
}

function tell() {
  find('.ly-found').hidden = !found;
  if (!found) return;
  oldTold = isOld();
  const nearest = Math.min(found.features[0].relative, found.pixels[0].relative);
  const verdict = nearest < COPY ? 'copy' : nearest < CLOSE ? 'close' : 'new';
  find('.ly-found').classList.toggle('ly-old', oldTold);
  find('.ly-verdict').textContent = (oldTold ? word('old') + ' ' : '') + word('is_' + verdict, {nearest: nearest.toFixed(2)});
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
