/** A program with arguments: one greeting per name. */
import { fromArray, job, print, type Job } from "tidemark";

/** Greets `names`. */
export default function greetings(names: string[]): Job {
  const greeter = job("greetings");
  greeter
    .source("names", fromArray(names))
    .map((name) => `hello ${name}`)
    .to(print("greeting"));
  return greeter;
}
