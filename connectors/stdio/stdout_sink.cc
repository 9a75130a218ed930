// stdout: writes records to standard output.
#include <unistd.h>

#include "core/component/registry.h"
#include "core/stream/descriptor_sink.h"

namespace streamrun {
namespace {

struct Config {};

class BoundStdout final : public BoundSink {
 public:
  BoundStdout() {
    guarantee = SinkGuarantee::kAtLeastOnce;
    exclusive = "stdout";
    place = "stdout";
  }
  std::unique_ptr<Sink> Create() const override { return CreateDescriptorSink(STDOUT_FILENO, "stdout"); }
};

std::shared_ptr<const BoundSink> Bind(const Config&, BindContext&) { return std::make_shared<BoundStdout>(); }

SinkDefinition Define() {
  SinkDefinition d;
  d.name = "stdout";
  d.summary = "Writes records to standard output.";
  d.description =
      "Every batch is written at once, so a reader of the pipe sees rows as they come. A slow reader slows "
      "the "
      "pipeline down; a reader that goes away (`| head`) ends it.";
  d.guarantee = "Keeps order. After a restart, rows that were written before it may come again.";
  d.example = R"(pipeline: bids-to-stdout
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
sinks:
  out: {connector: stdout, input: bids, format: json}
)";
  d.takes = SinkDefinition::Takes::kBytes;
  d.default_format = "json";
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(stdout_sink, Define());

}  // namespace
}  // namespace streamrun
