// The http source at run time: bodies become chunks, and requests get their answers when their records are
// safe.
#pragma once

#include <memory>

#include "connectors/http/http_server.h"
#include "core/component/definition.h"
#include "core/stream/source.h"

namespace streamrun::http {

enum class Ack : uint8_t { kSafe, kReceived };

/// Requests that name themselves are taken once.
struct DeduplicateOptions {
  bool on = false;
  Duration within = 0;
  size_t max_keys = 0;
};

struct IntakeOptions {
  DeduplicateOptions deduplicate;
  ServerOptions server;
  Ack ack = Ack::kSafe;
  FormatTraits format;
};

std::unique_ptr<Source> NewIntake(IntakeOptions options);

}  // namespace streamrun::http
