/* Which run this page explores, in one place for all tabs that do: Sample, Timeline, Share.

   ganSubject.run         its id; '' while there is none
   ganSubject.ships       whether it is one that ships with the app
   ganSubject.choose(run) explore that run
   ganSubject.on(fn)      fn(run, view) after each poll and after each choice

   A visitor who has chosen nothing explores the best that ships, whatever others train meanwhile; whoever starts or opens
   a run explores that one.
*/
window.ganSubject = (() => {
  const BEST = 'best', listeners = [];
  let view = null, shipped = '';
  let followed = null;                       // the page's own run when `shipped` was decided

  const isShipped = run => Boolean(view && (view.pretrained || []).some(one => one.id === run));

  function emit() {
    for (const listener of listeners) {
      try { listener(ganSubject.run, view); } catch (error) { console.error(error); }
    }
  }

  ganLive.on('view', fresh => {
    view = fresh;
    const reloaded = new URLSearchParams(location.search).get('net');
    if (followed === null && isShipped(reloaded)) shipped = reloaded;
    else if (followed !== ganLive.chosen) shipped = !ganLive.chosen && isShipped(BEST) ? BEST : '';
    followed = ganLive.chosen;
    emit();
  });

  return {
    get run() { return view ? shipped || view.run || ((view.pretrained || [])[0] || {id: ''}).id : ''; },
    get ships() { return isShipped(this.run); },
    choose(run) {
      shipped = isShipped(run) ? run : '';
      if (!shipped) ganLive.select(run);
      followed = ganLive.chosen;
      if (window.ganPlace) ganPlace.note('net', shipped);
      emit();
    },
    on(listener) { listeners.push(listener); if (view) listener(ganSubject.run, view); },
  };
})();
