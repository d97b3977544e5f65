import {
  useInfiniteQuery,
  type InfiniteData,
  type QueryKey,
  type UseInfiniteQueryOptions,
  type UseInfiniteQueryResult,
} from "@tanstack/react-query";

import type { Page } from "../api/contracts";

type Cursor = string | null;
type Options<Item> = UseInfiniteQueryOptions<Page<Item>, Error, InfiniteData<Page<Item>, Cursor>, QueryKey, Cursor>;

/** A list that the server gives page by page: what was read so far, and how the reading goes. */
export interface Paged<Item> {
  items: Item[];
  query: UseInfiniteQueryResult<InfiniteData<Page<Item>, Cursor>>;
}

/** Reads the first page, and the next one whenever the reader asks for more. */
export function usePaged<Item>(
  queryKey: QueryKey,
  read: (cursor: Cursor) => Promise<Page<Item>>,
  options: Pick<Options<Item>, "placeholderData" | "refetchInterval"> = {},
): Paged<Item> {
  const query = useInfiniteQuery<Page<Item>, Error, InfiniteData<Page<Item>, Cursor>, QueryKey, Cursor>({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: null,
    getNextPageParam: (page) => page.next_cursor,
    ...options,
  });
  return { items: query.data?.pages.flatMap((page) => page.items) ?? [], query };
}
