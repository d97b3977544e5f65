import { QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";

import { queryClient, readAgain } from "./state";

test("what changed while it is read for the first time is read again", async () => {
  let items = ["old"];
  let first = () => {};
  const observer = new QueryObserver(queryClient, {
    queryKey: ["documents"],
    queryFn: async () => {
      const read = [...items];
      if (read.length === 1) await new Promise<void>((resolve) => (first = resolve));
      return read;
    },
  });
  const stop = observer.subscribe(() => {});
  items = ["old", "new"];
  const reading = readAgain("documents");
  first();
  await reading;
  expect(observer.getCurrentResult().data).toEqual(["old", "new"]);
  stop();
});
