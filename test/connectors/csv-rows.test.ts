import fc from "fast-check";
import { expect, test } from "vitest";
import { csvFields, csvRowEnd } from "../../framework/connectors/csv-rows.ts";
import { contentEnd } from "../../framework/connectors/file-format.ts";

const comma = ",".charCodeAt(0);

/** The rows of `text`, by the ends that are found, seeing at most `window` bytes more at a time. */
function rowsOf(text: string, window = Infinity): readonly string[] {
  const bytes = Buffer.from(text);
  const rows: string[] = [];
  for (let from = 0; from < bytes.length;) {
    let to = from;
    let end = -1;
    while (end < 0) {
      to = Math.min(bytes.length, to + window);
      end = csvRowEnd(bytes, from, to, to === bytes.length, comma);
    }
    rows.push(bytes.toString("utf8", from, contentEnd(bytes, from, end)));
    from = end;
  }
  return rows;
}

test.each<[string, readonly string[]]>([
  ["a,b\nc,d\n", ["a,b", "c,d"]],
  ["a,b\r\nc,d\r\n", ["a,b", "c,d"]],
  ["a,b\nc,d", ["a,b", "c,d"]],
  ['"a\nb",c\nd', ['"a\nb",c', "d"]],
  ['"a\r\nb"\r\nd', ['"a\r\nb"', "d"]],
  ['"say ""hi""\n",b\nc', ['"say ""hi""\n",b', "c"]],
  ['a"b,c\nd"', ['a"b,c', 'd"']],
  ["\n\na\n\n", ["", "", "a", ""]],
])("rows of %j", (text, rows) => {
  expect(rowsOf(text)).toEqual(rows);
});

test.each<[string, readonly string[]]>([
  ['"a\nb\nc\n', ['"a', "b", "c"]],
  ['"a\nb"x,"c\nd\n', ['"a', 'b"x,"c', "d"]],
  ['1,"a"b\n2,c\n', ['1,"a"b', "2,c"]],
  ['1,"a"b"\n2,c\n', ['1,"a"b"', "2,c"]],
])("F2: broken quoting in %j costs one line", (text, rows) => {
  expect(rowsOf(text)).toEqual(rows);
});

test.each<[string, readonly string[]]>([
  ["", [""]],
  ["a,b", ["a", "b"]],
  [",", ["", ""]],
  ['"a,b",c', ["a,b", "c"]],
  ['"",""', ["", ""]],
  ['"say ""hi""",', ['say "hi"', ""]],
  ['a"b,"c"', ['a"b', "c"]],
  ['""""', ['"']],
])("fields of %j", (row, fields) => {
  expect(csvFields(row, ",")).toEqual(fields);
});

test.each([
  ['"a', "never closed"],
  ['"a""', "never closed"],
  ['x,"a"b', "field 2 has text behind its closing quote"],
])("the row %j is refused", (row, message) => {
  expect(() => csvFields(row, ",")).toThrow(message);
});

const field = fc.string({ unit: fc.constantFrom("a", "é", "🐟", ",", '"', "\n", "\r", " "), maxLength: 6 });
const table = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

function written(fields: readonly string[], isQuoted: boolean): string {
  return fields.map((text) => (isQuoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",");
}

test("what is written as RFC 4180 says is read back, through a window of any size", () => {
  fc.assert(
    fc.property(
      table,
      fc.boolean(),
      fc.constantFrom("\n", "\r\n"),
      fc.integer({ min: 1, max: 20 }),
      (rows, isQuoted, lineBreak, window) => {
        const text = rows.map((fields) => written(fields, isQuoted) + lineBreak).join("");
        expect(rowsOf(text, window).map((row) => csvFields(row, ","))).toEqual(rows);
      },
    ),
  );
});

function fateOf(row: string): unknown {
  try {
    return csvFields(row, ",").length > 0 ? "read" : "no fields";
  } catch (error) {
    return error instanceof SyntaxError ? "refused" : error;
  }
}

test("any text is cut into rows that are the text, and each is read or refused", () => {
  const text = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r"), maxLength: 30 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 8 }), (anything, window) => {
      expect(rowsOf(anything, window)).toEqual(rowsOf(anything));
      for (const row of rowsOf(anything)) expect(["read", "refused"]).toContain(fateOf(row));
    }),
    { numRuns: 500 },
  );
});
