/** The one inside of kafkajs that we mend; kafkajs ships no types for it. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** Requests of one connection that wait to be sent. */
  class RequestQueue {
    readonly pending: readonly unknown[];
    /** ms since 1970; below now when nothing is throttled. */
    readonly throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
  export = RequestQueue;
}
