/* Two pictures that follow the shown run. A new picture is decoded before it replaces the old one: no flicker. */
const fakes = element.querySelector('.gg-fakes'), reals = element.querySelector('.gg-reals');
let view = null;

function put(image, address, words) {
  image.alt = words;
  if (image.dataset.address === address) return;
  image.dataset.address = address;
  if (!address) { image.hidden = true; image.removeAttribute('src'); return; }
  const fresh = new Image();
  fresh.src = address;
  fresh.decode().then(() => {
    if (image.dataset.address !== address) return;    // a newer one was asked for meanwhile
    image.src = address;
    image.hidden = false;
  }).catch(() => { image.dataset.address = ''; });    // gone already: the next view names the newer one
}

function show() {
  for (const node of element.querySelectorAll('[data-t]')) node.textContent = ganLive.t('grids.' + node.dataset.t);
  const shown = view && view.run;
  put(fakes, shown ? view.grid : '', ganLive.t('grids.fakes_alt', { step: shown ? view.step : 0 }));
  put(reals, shown ? view.reals : '', ganLive.t('grids.reals_alt'));
}
ganLive.on('view', fresh => { view = fresh; show(); });
ganLive.on('language', show);
