// The one schema of rows that could not be processed: errors ports, dead-letter files, `dlq` commands.
#pragma once

#include "core/data/schema.h"

namespace streamrun {

/// node text, port text, code text, message text, source text (split), offset bigint, event_time timestamp,
/// revision text, epoch bigint, token text, raw bytea (the record as read, when it could not be decoded),
/// row jsonb (the row in the failed node's input schema, when it could), entry jsonb (how it enters the node
/// again, for `dlq replay`; null: it cannot, it is not whole or the node made it itself).
SchemaPtr DeadLetterSchema();

}  // namespace streamrun
