// demo: the tools of the agent. Each computes its result from tables small enough to check by hand.
import { CORPUS, type Page } from './corpus.ts';

/** Parameters and results travel as JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** A tool of the agent. */
export interface Tool {
  readonly name: string;
  /**
   * The parameters with which this tool helps to answer the question; undefined when it does not.
   */
  plan(question: string): Fields | undefined;
  /** Throws for parameters that make no sense. */
  run(parameters: Fields): Fields;
}

/** Monthly prices in US dollars. */
const REGIONS = [
  { region: 'eu-north', core: 21.5, terabyte: 19.2 },
  { region: 'eu-west', core: 25.9, terabyte: 21.6 },
  { region: 'us-east', core: 23.4, terabyte: 20.5 },
  { region: 'ap-south', core: 24.1, terabyte: 23.8 },
] as const;

/** The worth of one unit of a currency in US dollars. */
const RATES: Readonly<Record<string, number>> = { USD: 1, EUR: 1.09, GBP: 1.27, JPY: 0.0067, CHF: 1.13, SEK: 0.095 };

function positive(parameters: Fields, name: string): number {
  const value = parameters[name];
  if (typeof value !== 'number' || !(value > 0)) throw new RangeError(`${name} must be a number above 0`);
  return value;
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The cost of a workload a month in each region, cheapest first. */
export const costAnalyzer: Tool = {
  name: 'cost_analyzer',
  plan(question) {
    const cores = /(\d+) cores/.exec(question);
    const terabytes = /(\d+) TB/.exec(question);
    if (cores === null || terabytes === null) return undefined;
    return { cores: Number(cores[1]), terabytes: Number(terabytes[1]) };
  },
  run(parameters) {
    const cores = positive(parameters, 'cores');
    const terabytes = positive(parameters, 'terabytes');
    const bills = REGIONS.map(({ region, core, terabyte }) => ({
      region,
      monthly: cents(cores * core + terabytes * terabyte),
    })).sort((a, b) => a.monthly - b.monthly);
    const [cheapest, dearest] = [bills[0]!, bills.at(-1)!];
    return { cheapest: cheapest.region, saved: cents(dearest.monthly - cheapest.monthly), bills };
  },
};

/** Converts an amount of money between currencies. */
export const currencyConverter: Tool = {
  name: 'currency_converter',
  plan(question) {
    const found = /(\d+) ([A-Z]{3}) in ([A-Z]{3})/.exec(question);
    return found === null ? undefined : { amount: Number(found[1]), from: found[2], to: found[3] };
  },
  run(parameters) {
    const amount = positive(parameters, 'amount');
    const from = RATES[String(parameters.from)];
    const to = RATES[String(parameters.to)];
    if (from === undefined || to === undefined)
      throw new RangeError(`no rate from ${String(parameters.from)} to ${String(parameters.to)}`);
    return { amount: cents((amount * from) / to), currency: parameters.to };
  },
};

/**
 * Ranks the built-in pages by how often and how exclusively they use the words of the query
 * (tf–idf).
 */
export const webSearch: Tool = {
  name: 'web_search',
  plan(question) {
    const found = /about ([^?,]+)/.exec(question);
    return found === null ? undefined : { q: found[1] };
  },
  run(parameters) {
    const wanted = words(String(parameters.q ?? ''));
    if (wanted.length === 0) throw new RangeError('q must hold a word');
    const texts = CORPUS.map((page) => words(`${page.title} ${page.text}`));
    const weight = (word: string): number => {
      const pages = texts.filter((text) => text.includes(word)).length;
      return pages === 0 ? 0 : Math.log(1 + CORPUS.length / pages);
    };
    const score = (text: readonly string[]): number =>
      wanted.reduce((sum, word) => sum + text.filter((each) => each === word).length * weight(word), 0);
    const found = CORPUS.map((page: Page, i) => ({ title: page.title, score: cents(score(texts[i]!)) }))
      .filter((hit) => hit.score > 0)
      .sort((a, b) => b.score - a.score);
    return { hits: found.length, top: found.slice(0, 3) };
  },
};

function words(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]{2,}/g) ?? [];
}
