import type { User } from "../api/contracts";

const ADMINS = new Set(["owner", "admin"]);

/** Whether the user decides for the organisation. */
export function isAdmin(user: User): boolean {
  return user.roles.some((role) => ADMINS.has(role));
}
