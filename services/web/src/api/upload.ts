import { errorOf, unreachable } from "./errors";
import { accessToken, refreshed } from "./tokens";

const UNAUTHENTICATED = 401;

interface Answer {
  status: number;
  body: string;
  requestId: string | null;
}

/**
 * Sends a file to become a document that `access` may read; `progress` is told how much has been sent, 0 to 1.
 *
 * Throws ApiError, or AbortError when aborted.
 */
export async function uploadFile(
  file: File,
  access: string,
  signal: AbortSignal,
  progress: (sent: number) => void,
): Promise<void> {
  const token = await accessToken();
  let answer = await post(file, access, token, signal, progress);
  if (answer.status === UNAUTHENTICATED && token) {
    const newer = await refreshed(token);
    if (newer) answer = await post(file, access, newer, signal, progress);
  }
  if (answer.status >= 300) throw errorOf(answer.status, answer.body, answer.requestId);
}

// XMLHttpRequest and not fetch, which can't tell how much it has sent.
function post(
  file: File,
  access: string,
  token: string | null,
  signal: AbortSignal,
  progress: (sent: number) => void,
): Promise<Answer> {
  const form = new FormData();
  form.append("access", access);
  form.append("file", file);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("POST", "/documents");
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () =>
      resolve({
        status: request.status,
        body: request.responseText,
        requestId: request.getResponseHeader("X-Request-ID"),
      }),
    );
    request.addEventListener("error", () => reject(unreachable()));
    request.addEventListener("abort", () => reject(new DOMException("The upload was ended.", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
