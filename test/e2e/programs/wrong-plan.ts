/** A program that is wrong: two operators of one name. */
import { discard, fromArray, job, type Job } from "tidemark";

const wrong: Job = job("wrong-plan");
const numbers = wrong.source("numbers", fromArray([1, 2]));
numbers
  .map((number) => number + 1)
  .named("more")
  .to(discard());
numbers
  .map((number) => number - 1)
  .named("more")
  .to(discard());

export default wrong;
