// What the run was.
const {run, preset, dataset, view, frames, rows, lowest, facts} = ganReplay.record;
const find = id => document.getElementById(id);
const number = value => Number(value).toLocaleString('en-US', {maximumSignificantDigits: 6});

function fill(list, pairs) {
  list.replaceChildren(...pairs.filter(([, value]) => value !== '').flatMap(([name, value]) => {
    const term = document.createElement('dt'), description = document.createElement('dd');
    term.textContent = name;
    description.textContent = value;
    return [term, description];
  }));
}

function tell() {
  const t = (key, values) => ganLive.t('replay.' + key, values);
  const last = frames.at(-1), final = last.row === null ? undefined : rows[last.row].newest.digit_fid;
  const steps = Math.max(last.step, view.curves.x.at(-1) ?? 0);
  fill(find('rp-facts'), [
    [t('run'), run],
    [t('preset'), preset],
    [t('data'), facts.licence || t('own_images', {name: dataset})],
    [t('trained'), t('steps', {steps: number(steps)}) + (facts.seconds ? t('seconds', {seconds: number(Math.round(facts.seconds))}) : '')],
    [t('seed_fact'), String(facts.settings.seed)],
    [t('branch'), facts.parent ? t('branch_of', {run: facts.parent.run, step: number(facts.parent.step)}) : ''],
    [t('final'), Number.isFinite(final) ? final.toFixed(2) : ''],
    [t('lowest'), lowest ? lowest.digit_fid.toFixed(2) : ''],
    [t('created'), facts.created],
    [t('versions'), Object.entries(facts.versions).map(([name, version]) => name + ' ' + version).join(', ')],
  ]);
  fill(find('rp-settings'), Object.entries(facts.settings).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]));
}

find('rp-command').textContent = facts.command;
ganLive.on('language', tell);
