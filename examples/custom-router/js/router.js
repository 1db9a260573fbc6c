// Track record: those who have done such work well go first, while they have room.
//
// The same router in three languages: `rust/` and `python/` beside this folder give the same answers, byte for byte.
// So all arithmetic is in whole millionths and becomes a fraction at the very end. A u64 is a BigInt here, and what
// could pass 2^53 is counted in them. A list of numbers must be a typed array: of a plain one, some versions of the
// tools hand over whatever lay in memory before.

import { write } from "baton:host/log@0.1.0";

/** One, in millionths. */
const ONE = 1_000_000;

/** What the factors count for in percent, unless the operator's configuration says otherwise. */
const WEIGHTS = { record: 60, room: 30, focus: 10 };

/** What being full costs, in percent: more than all else can gain, so that the full come last. */
const FULL = 1000;

/** How many are named for the case that the chosen one is gone. */
const FALLBACKS = 3;

export const routing = {
  route(snapshot) {
    const weights = weightsOf(snapshot.config);
    const calls = callsOf(snapshot.state);
    // What is kept of the agents while the batch is decided; `used` is with what this batch has given them.
    const workers = snapshot.agents.map(({ id, running }) => ({ used: running, hash: fnv1a(id) }));
    const decisions = snapshot.requests.map(({ task, candidates }, request) => {
      const val = assign(snapshot, weights, task, snapshot.candidateSets[candidates], workers);
      workers[val.agent].used += 1;
      return { request, choice: { tag: "assign", val } };
    });
    write("debug", `call ${calls}: ${decisions.length} decided`);
    return { decisions, factors: factorsOf(weights), state: bytesOf(calls) };
  },
};

function assign(snapshot, weights, task, candidates, workers) {
  const draw = mix(snapshot.seed ^ fnv1a(task.id));
  const wanted = new Set(task.skills);
  // The values are millionths, the total is hundred-millionths.
  const entries = Array.from(candidates, (index) => {
    const agent = snapshot.agents[index];
    const left = Math.max(0, agent.capacity - workers[index].used);
    const record = recordOf(agent, wanted);
    const room = share(left, agent.capacity);
    const focus = focusOf(agent, wanted);
    const full = left === 0 ? ONE : 0;
    return {
      agent: index,
      record,
      room,
      focus,
      full,
      total: record * weights.record + room * weights.room + focus * weights.focus - full * FULL,
      // Decides between equals: another order for each task, and the same whenever this decision is made again.
      lot: mix(draw ^ workers[index].hash),
    };
  });
  const ranked = [...entries].sort(
    (a, b) => b.total - a.total || (a.lot === b.lot ? a.agent - b.agent : a.lot < b.lot ? 1 : -1),
  );
  const best = ranked[0];
  const percent = (value) => Math.floor(value / 10_000);
  return {
    agent: best.agent,
    fallbacks: Uint32Array.from(ranked.slice(1, 1 + FALLBACKS), (entry) => entry.agent),
    scores: entries.map((entry) => scoreOf(entry, best.agent)),
    reason:
      `${snapshot.agents[best.agent].id} leads ${entries.length}${best.full ? ", all full" : ""}: ` +
      `record ${percent(best.record)} %, room ${percent(best.room)} %, focus ${percent(best.focus)} %`,
  };
}

/**
 * How much of the agent's work on the task's skills was accepted; on all skills if the task names none. Two finished
 * attempts are made up, one of them accepted: who has done nothing yet is worth a half.
 */
function recordOf(agent, wanted) {
  let accepted = 1;
  let all = 2;
  for (const stats of agent.stats) {
    if (wanted.size === 0 || wanted.has(stats.skill)) {
      accepted += stats.accepted;
      all += stats.accepted + stats.refused + stats.failed;
    }
  }
  return share(accepted, all);
}

/** How much of what the agent can do this task wants: specialists before generalists. */
function focusOf(agent, wanted) {
  return share(agent.skills.filter((skill) => wanted.has(skill)).length, agent.skills.length);
}

/** In millionths, rounded down; of nothing, nothing. */
function share(part, whole) {
  if (whole === 0) return 0;
  const scaled = part * ONE;
  if (scaled <= Number.MAX_SAFE_INTEGER) return (scaled - (scaled % whole)) / whole;
  return Number((BigInt(part) * BigInt(ONE)) / BigInt(whole));
}

const utf8 = new TextEncoder();

/** FNV-1a over UTF-8. */
function fnv1a(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of utf8.encode(text)) {
    hash = u64((hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}

/** The finisher of SplitMix64. */
function mix(z) {
  z = u64((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = u64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

function u64(value) {
  return BigInt.asUintN(64, value);
}

function scoreOf(entry, chosen) {
  return {
    agent: entry.agent,
    total: entry.total / 1e8,
    propensity: entry.agent === chosen ? 1 : 0,
    values: Float64Array.of(entry.record, entry.room, entry.focus, entry.full).map((value) => value / 1e6),
  };
}

function factorsOf(weights) {
  const percent = { ...weights, full: -FULL };
  return Object.entries(percent).map(([name, weight]) => ({ name, weight: weight / 100 }));
}

/** What is thrown is the error arm of `route`. */
function weightsOf(config) {
  const weights = { ...WEIGHTS };
  for (const name of Object.keys(WEIGHTS)) {
    const text = config.findLast((attr) => attr.name === name)?.value;
    if (text === undefined) continue;
    if (!/^[0-9]{1,3}$/.test(text) || Number(text) > 100) {
      const value = `is \`${text}\`, expected a whole percentage from 0 to 100`;
      throw { tag: "bad-config", val: { name, value } };
    }
    weights[name] = Number(text);
  }
  return weights;
}

/** How many calls there were, with this one: eight bytes, the lowest first. */
function callsOf(state) {
  if (state.length === 0) return 1n;
  if (state.length !== 8) throw { tag: "bad-state", val: `${state.length} bytes, expected 8` };
  return u64(new DataView(state.buffer, state.byteOffset, 8).getBigUint64(0, true) + 1n);
}

function bytesOf(calls) {
  const state = new Uint8Array(8);
  new DataView(state.buffer).setBigUint64(0, calls, true);
  return state;
}
