import type { ErrorCode } from "../../core/codes.js";

/* Error codes of the protocol, https://kafka.apache.org/protocol#protocol_error_codes: those that dw's requests can meet. */

interface Refusal {
  readonly name: string;
  /** What it is to a user of dw; DW-ENGINE-REFUSED when absent. */
  readonly code?: ErrorCode;
  /** True when asking again, perhaps another broker, can help: leaders move, metadata is late. */
  readonly passing?: true;
}

const UNKNOWN: Refusal = { name: "UNKNOWN_SERVER_ERROR" };

const ERRORS: Readonly<Record<number, Refusal>> = {
  [-1]: UNKNOWN,
  1: { name: "OFFSET_OUT_OF_RANGE" },
  2: { name: "CORRUPT_MESSAGE" },
  3: { name: "UNKNOWN_TOPIC_OR_PARTITION" },
  5: { name: "LEADER_NOT_AVAILABLE", passing: true },
  6: { name: "NOT_LEADER_OR_FOLLOWER", passing: true },
  7: { name: "REQUEST_TIMED_OUT", code: "DW-TIMEOUT" },
  8: { name: "BROKER_NOT_AVAILABLE", code: "DW-CONNECT", passing: true },
  9: { name: "REPLICA_NOT_AVAILABLE", passing: true },
  10: { name: "MESSAGE_TOO_LARGE" },
  13: { name: "NETWORK_EXCEPTION", code: "DW-CONNECT" },
  14: { name: "COORDINATOR_LOAD_IN_PROGRESS", passing: true },
  15: { name: "COORDINATOR_NOT_AVAILABLE", passing: true },
  16: { name: "NOT_COORDINATOR", passing: true },
  17: { name: "INVALID_TOPIC_EXCEPTION" },
  18: { name: "RECORD_LIST_TOO_LARGE" },
  19: { name: "NOT_ENOUGH_REPLICAS", passing: true },
  20: { name: "NOT_ENOUGH_REPLICAS_AFTER_APPEND" },
  29: { name: "TOPIC_AUTHORIZATION_FAILED", code: "DW-PERMISSION" },
  30: { name: "GROUP_AUTHORIZATION_FAILED", code: "DW-PERMISSION" },
  31: { name: "CLUSTER_AUTHORIZATION_FAILED", code: "DW-PERMISSION" },
  32: { name: "INVALID_TIMESTAMP" },
  33: { name: "UNSUPPORTED_SASL_MECHANISM", code: "DW-AUTH" },
  34: { name: "ILLEGAL_SASL_STATE", code: "DW-AUTH" },
  35: { name: "UNSUPPORTED_VERSION" },
  36: { name: "TOPIC_ALREADY_EXISTS" },
  37: { name: "INVALID_PARTITIONS" },
  38: { name: "INVALID_REPLICATION_FACTOR" },
  39: { name: "INVALID_REPLICA_ASSIGNMENT" },
  40: { name: "INVALID_CONFIG" },
  41: { name: "NOT_CONTROLLER", passing: true },
  42: { name: "INVALID_REQUEST" },
  44: { name: "POLICY_VIOLATION" },
  45: { name: "OUT_OF_ORDER_SEQUENCE_NUMBER" },
  46: { name: "DUPLICATE_SEQUENCE_NUMBER" },
  47: { name: "INVALID_PRODUCER_EPOCH", code: "DW-FENCED" },
  48: { name: "INVALID_TXN_STATE" },
  49: { name: "INVALID_PRODUCER_ID_MAPPING" },
  50: { name: "INVALID_TRANSACTION_TIMEOUT" },
  51: { name: "CONCURRENT_TRANSACTIONS", passing: true },
  53: { name: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", code: "DW-PERMISSION" },
  54: { name: "SECURITY_DISABLED" },
  55: { name: "OPERATION_NOT_ATTEMPTED" },
  58: { name: "SASL_AUTHENTICATION_FAILED", code: "DW-AUTH" },
  59: { name: "UNKNOWN_PRODUCER_ID" },
  60: { name: "REASSIGNMENT_IN_PROGRESS" },
  73: { name: "TOPIC_DELETION_DISABLED" },
  74: { name: "FENCED_LEADER_EPOCH", passing: true },
  75: { name: "UNKNOWN_LEADER_EPOCH", passing: true },
  76: { name: "UNSUPPORTED_COMPRESSION_TYPE" },
  78: { name: "OFFSET_NOT_AVAILABLE", passing: true },
  87: { name: "INVALID_RECORD" },
  89: { name: "THROTTLING_QUOTA_EXCEEDED", passing: true },
  90: { name: "PRODUCER_FENCED", code: "DW-FENCED" },
};

export function refusalOf(error: number): Refusal {
  return ERRORS[error] ?? { ...UNKNOWN, name: `error ${error}` };
}
