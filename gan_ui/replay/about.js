// What the run was.
const {run, preset, dataset, view, frames, rows, best, facts} = ganReplay.record;
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
  const t = (key, values) => ganLive.t('replay.' + key, values), score = row => row && 'digit_fid' in row ? row.digit_fid : null;
  const newest = rows.length ? rows.at(-1).newest : null, steps = Math.max(frames.at(-1).step, view.curves.x.at(-1) ?? 0);
  const final = score(newest), lowest = best === null ? null : score(rows[frames[best].row].newest);
  fill(find('rp-facts'), [
    [t('run'), run],
    [t('preset'), preset],
    [t('data'), facts.licence || t('own_images', {name: dataset})],
    [t('trained'), t('steps', {steps: number(steps)}) + (facts.seconds ? t('seconds', {seconds: number(Math.round(facts.seconds))}) : '')],
    [t('seed_fact'), String(facts.settings.seed)],
    [t('branch'), facts.parent ? t('branch_of', {run: facts.parent.run, step: number(facts.parent.step)}) : ''],
    [t('final'), final === null ? '' : final.toFixed(2)],
    [t('lowest'), lowest === null ? '' : lowest.toFixed(2)],
    [t('created'), facts.created],
    [t('versions'), Object.entries(facts.versions).map(([name, version]) => name + ' ' + version).join(', ')],
  ]);
  fill(find('rp-settings'), Object.entries(facts.settings).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]));
}

find('rp-command').textContent = facts.command;
ganLive.on('language', tell);
