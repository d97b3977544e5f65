import type { StoredDocument } from "../api/contracts";
import { counted } from "../ui/format";

const READERS = { private: "only you", organization: "", public: "public" };

/** Who may read a document, where that isn't the whole organisation. */
export function readers(access: StoredDocument["access"]): string {
  return typeof access === "string" ? READERS[access] : counted(access.groups.length, "group");
}
