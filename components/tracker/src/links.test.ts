import { expect, test } from "vitest";
import { onwardAddress } from "./links";

const PASS = { profile: "p", source: "s" };
const HERE = new URL("https://a.example/page");
const DOMAINS = ["b.example", "c.example:8443", "a.example"];
const onward = (target: string): string | null => onwardAddress(target, HERE, DOMAINS, PASS);

test.each([
  "https://b.example/",
  "http://b.example/x",
  "https://b.example:444/",
  "//b.example/",
  "https://B.EXAMPLE/",
  "https://c.example:8443/",
  "http://a.example/",
])("%s gets the pass", (target) => {
  expect(onward(target)).toContain("?__tr_pid=p&__tr_src=s");
});

test.each([
  ["https://other.example/", "another's"],
  ["https://b.example.evil.example/", "another's with a name that begins alike"],
  ["https://evil-b.example/", "another's with a name that ends alike"],
  ["https://sub.b.example/", "a host that is not listed itself"],
  ["https://b.example@evil.example/", "another's behind a user name"],
  ["https://c.example/", "another port than the listed one"],
  ["https://a.example/next", "the page's own origin"],
  ["next?b.example", "the page's own origin"],
  ["mailto:someone@b.example", "no web page"],
  ["javascript:location='https://b.example/'", "no web page"],
  ["https://[", "no address"],
])("%s stays as it is: %s", (target) => {
  expect(onward(target)).toBeNull();
});
