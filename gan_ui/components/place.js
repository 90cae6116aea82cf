/* Where this page is: {run, tab} and what a tab adds to it, such as {step}. For lesson links and for those who follow.

   ganPlace.now              the place now
   ganPlace.set({step})      a tab says where in it the visitor is
   ganPlace.go(place)        go there: shows its run, opens its tab, and tells the tab the rest
   ganPlace.note(name, value) keeps this in the page's address, for when it is loaded again; '' takes it away
   ganPlace.on('change', fn) fn(place) after every change
   ganPlace.on('go', fn)     fn(place) when the page is told to go somewhere, for a tab to take its own part of it
*/
window.ganPlace = (() => {
  const listeners = { change: [], go: [] };
  let now = { run: '', tab: '' };

  function emit(kind, place) {
    for (const listener of listeners[kind]) {
      try { listener(place); } catch (error) { console.error(error); }
    }
  }

  function set(changes) {
    const next = { ...now, ...changes };
    if (JSON.stringify(next) === JSON.stringify(now)) return;
    now = next;
    emit('change', now);
  }

  function go(place) {
    if (place.run && place.run !== ganLive.chosen) ganLive.select(place.run);
    ganLive.openTab(String(place.tab || ''));
    emit('go', place);
  }

  ganLive.on('view', view => set({ run: view.run || '' }));
  document.addEventListener('click', () => setTimeout(noteTab, 0, true), true);
  document.addEventListener('keyup', () => setTimeout(noteTab, 0, true), true);
  function noteTab(pressed) {
    const open = document.querySelector('button[role="tab"][aria-selected="true"]');
    if (!open || !open.dataset.tabId) return;
    const tab = open.dataset.tabId, kept = new URLSearchParams(location.search).get('tab') || 'train';
    if (pressed === true && tab !== kept) note('tab', tab);   // else the tab that the address asks for may be yet to open
    set({ tab });
  }
  function note(name, value) {
    const url = new URL(location.href);
    if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  }
  if (new URLSearchParams(location.search).get('lock') === '1') document.documentElement.classList.add('gl-locked');

  return { set, go, note, on: (kind, listener) => listeners[kind].push(listener), get now() { noteTab(); return now; } };
})();
