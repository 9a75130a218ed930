// discard: takes rows and drops them.
#include "core/component/registry.h"

namespace streamrun {
namespace {

struct Config {};

class Discard final : public Sink {
 public:
  Status Open(SinkContext&) override { return Status::Ok(); }
  // The host counts what a sink accepts; there is nothing else to do.
  Result<SinkOutcome> WriteRows(const BatchPtr&, Output&) override { return SinkOutcome::kAccepted; }
};

class BoundDiscard final : public BoundSink {
 public:
  BoundDiscard() {
    guarantee = SinkGuarantee::kExactlyOnce;
    single_writer = false;
    takes_changes = true;
    place = "nowhere";
  }
  std::unique_ptr<Sink> Create() const override { return std::make_unique<Discard>(); }
};

std::shared_ptr<const BoundSink> Bind(const Config&, BindContext&) {
  return std::make_shared<BoundDiscard>();
}

SinkDefinition Define() {
  SinkDefinition d;
  d.name = "discard";
  d.summary = "Takes rows and drops them.";
  d.description =
      "For measuring a pipeline without its output, and for ports whose rows nobody wants but which should "
      "be "
      "counted. All columns of its input are computed, as for any other sink.";
  d.guarantee = "Leaves nothing behind, so nothing can be lost or repeated.";
  d.example = R"(pipeline: count-only
sources:
  bids:
    connector: file
    path: pipelines/data/bids.jsonl
    format: json
    schema: {auction: bigint, bidder: bigint, price: bigint}
sinks:
  out: {connector: discard, input: bids}
)";
  d.takes = SinkDefinition::Takes::kRows;
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(discard_sink, Define());

}  // namespace
}  // namespace streamrun
