/**
 * Events of an auction house, as in the Nexmark benchmark: persons, auctions and bids.
 *
 * Event n is a pure function of n. Ids, proportions, hot keys and prices follow Nexmark's constants; randomness is murmur3's finalizer over 32-bit words,
 * so any implementation of the same formula makes the same events (the test compares a digest).
 *
 * X1. Of 50 events one is a person, three are auctions, 46 are bids; half of the bids go to one auction, three quarters come from one bidder.
 */

/** Somebody who bids and sells. */
export interface Person {
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** Something for sale. */
export interface Auction {
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

/** An offer: about 135 bytes as text. */
export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** One of the three. */
export type NexmarkEvent =
  | { readonly type: "person"; readonly person: Person }
  | { readonly type: "auction"; readonly auction: Auction }
  | { readonly type: "bid"; readonly bid: Bid };

const seed = 42;
const beginMs = 1_767_225_560_000;
const golden = 0x9e3779b1;
const wordStep = 0x9e3779b9;
const eventsPerEpoch = 50;
const auctionsPerEpoch = 3;
const firstId = 1_000;
const activePersons = 1_000;
const activeAuctions = 100;
const idsAhead = 10;
/** Events that lie between an auction's beginning and its end, about half of it. */
const auctionEvents = 1_666;

const prices = Array.from({ length: 4_097 }, (_, at) => Math.floor(100 * 10 ** ((6 * at) / 4_096) + 0.5));
const extras = Array.from({ length: 64 }, (_, at) => letters(at, 24));
const channels = Array.from({ length: 10_000 }, (_, at) => `channel-${at}`);
const urls = channels.map((_, at) => urlOf(1_000 + at) + (at % 10 === 0 ? "" : `&channel_id=${mix(at) >>> 0}`));
const hotChannels = ["Google", "Facebook", "Baidu", "Apple"];
const hotUrls = hotChannels.map((_, at) => urlOf(100 + at));
const firstNames = "Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter".split(" ");
const lastNames = "Shultz Abrams Spencer White Bartels Walton Smith Jones Noris".split(" ");
const cities = "Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne".split(",");
const states = "AZ CA ID OR WA WY".split(" ");
const adjectives = "old new red blue tiny huge rare plain".split(" ");
const nouns = "clock chair lamp coin stamp radio bicycle carpet".split(" ");

/** Event number `n`, 0 or more; `delayUs` µs of event time after the one before. */
export function nexmarkEvent(n: number, delayUs: number): NexmarkEvent {
  const hash = mix(Math.imul(n, golden) ^ seed);
  const epoch = Math.floor(n / eventsPerEpoch);
  const place = n % eventsPerEpoch;
  const dateTime = timeOf(n, delayUs);
  if (place === 0) return { type: "person", person: personOf(hash, epoch, dateTime) };
  if (place > auctionsPerEpoch) return { type: "bid", bid: bidOf(hash, epoch, dateTime) };
  const until = timeOf(n + auctionEvents, delayUs);
  return { type: "auction", auction: auctionOf(hash, epoch, place, dateTime, until) };
}

function personOf(hash: number, epoch: number, dateTime: number): Person {
  const first = pick(firstNames, word(hash, 1));
  const last = pick(lastNames, word(hash, 2));
  const id = firstId + epoch;
  const [left, right] = [word(hash, 3), word(hash, 4)];
  const card = [left >>> 16, left & 0xffff, right >>> 16, right & 0xffff].map((part) => 1_000 + (part % 9_000));
  return {
    id,
    name: `${first} ${last}`,
    emailAddress: `${first}.${last}.${id}@example.com`,
    creditCard: card.join(" "),
    city: pick(cities, word(hash, 5)),
    state: pick(states, word(hash, 6)),
    dateTime,
    extra: extras[word(hash, 7) & 63] ?? "",
  };
}

function auctionOf(hash: number, epoch: number, place: number, dateTime: number, until: number): Auction {
  const words = word(hash, 1);
  const initialBid = priceOf(word(hash, 2));
  const lasts = Math.floor(((word(hash, 4) >>> 0) / 2 ** 32) * Math.max(2 * (until - dateTime), 1));
  return {
    id: firstId + auctionsPerEpoch * epoch + place - 1,
    itemName: `${adjectives[words & 7]} ${nouns[(words >>> 3) & 7]}`,
    description: `${extras[(words >>> 6) & 63]} ${extras[(words >>> 12) & 63]}`,
    initialBid,
    reserve: initialBid + priceOf(word(hash, 3)),
    dateTime,
    expires: dateTime + 1 + lasts,
    seller: below(word(hash, 5), 4) === 0 ? coldPerson(word(hash, 6), epoch) : hotPerson(epoch),
    category: 10 + below(word(hash, 7), 5),
    extra: extras[word(hash, 8) & 63] ?? "",
  };
}

function bidOf(hash: number, epoch: number, dateTime: number): Bid {
  const last = auctionsPerEpoch * epoch + auctionsPerEpoch - 1;
  const where = word(hash, 6);
  const isHot = below(where, 2) !== 0;
  const at = isHot ? where & 3 : below(word(hash, 7), channels.length);
  return {
    auction: below(word(hash, 1), 2) === 0 ? coldAuction(word(hash, 2), last) : firstId + 100 * Math.floor(last / 100),
    bidder: below(word(hash, 3), 4) === 0 ? coldPerson(word(hash, 4), epoch) : hotPerson(epoch) + 1,
    price: priceOf(word(hash, 5)),
    channel: (isHot ? hotChannels : channels)[at] ?? "",
    url: (isHot ? hotUrls : urls)[at] ?? "",
    dateTime,
    extra: extras[word(hash, 8) & 63] ?? "",
  };
}

function timeOf(n: number, delayUs: number): number {
  return beginMs + Math.floor((n * delayUs) / 1_000);
}

function hotPerson(epoch: number): number {
  return firstId + 100 * Math.floor(epoch / 100);
}

/** Up to ten of the ids do not exist yet. */
function coldPerson(chance: number, epoch: number): number {
  const active = Math.min(epoch + 1, activePersons);
  return firstId + epoch + 1 - active + below(chance, active + idsAhead);
}

function coldAuction(chance: number, last: number): number {
  const low = Math.max(last - activeAuctions, 0);
  return firstId + low + below(chance, last - low + idsAhead + 1);
}

/** Whole cents, about log-uniform from 100 to 10^8. */
function priceOf(chance: number): number {
  const at = chance >>> 20;
  const low = prices[at] ?? 0;
  return low + Math.floor((((prices[at + 1] ?? 0) - low) * (chance & 0xfffff)) / 2 ** 20);
}

function pick(from: readonly string[], chance: number): string {
  return from[below(chance, from.length)] ?? "";
}

/** A number from 0 to `bound - 1`. */
function below(chance: number, bound: number): number {
  return Math.floor(((chance >>> 0) * bound) / 2 ** 32);
}

function word(hash: number, number: number): number {
  return mix((hash + Math.imul(number, wordStep)) | 0);
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function letters(number: number, length: number): string {
  const first = mix(number);
  const units = Array.from({ length }, (_, at) => 97 + below(mix((first + Math.imul(at, wordStep)) | 0), 26));
  return String.fromCharCode(...units);
}

function urlOf(number: number): string {
  const text = letters(number, 15);
  return `https://www.example.com/${text.slice(0, 5)}/${text.slice(5, 10)}/${text.slice(10)}/item.htm?query=1`;
}
