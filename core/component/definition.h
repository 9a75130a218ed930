// What the registry knows of a component, and what binding one gives.
//
// A definition is text and functions; binding it against a configuration and input schemas gives an immutable
// Bound object with everything a plan needs and a factory for the running thing. Binding never creates, opens
// or connects anything, so `validate` is safe anywhere.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/component/bind_context.h"
#include "core/component/config_spec.h"
#include "core/stream/codec.h"
#include "core/stream/operator.h"
#include "core/stream/sink.h"
#include "core/stream/source.h"
#include "core/window/kept_state.h"

namespace streamrun {

enum class ComponentKind : uint8_t { kSource, kOperator, kSink, kFormat };
/// "source", "operator", "sink", "format".
std::string_view KindName(ComponentKind kind);

/// What an unwired port means.
enum class PortRole : uint8_t {
  kData,   // results; unwired is a warning unless the port is a side port
  kError,  // rows that went wrong: unwired goes to the dead letters
  kSide,   // rows that took another way (unmatched, duplicates): unwired is counted only
};

struct PortSpec {
  std::string name;
  PortRole role = PortRole::kData;
  std::string help;
};

/// Text of every component.
struct Definition {
  ComponentKind kind = ComponentKind::kOperator;
  std::string name;
  std::string summary;      // one sentence
  std::string description;  // Markdown, for the reference
  std::string guarantee;    // what it promises about order and delivery, one sentence or two
  /// A whole pipeline file that lints clean and shows the component.
  std::string example;
  std::vector<FieldSpec> fields;
};

// --- Operators -------------------------------------------------------------------------------------------

/// How rows must be spread over the parallel instances of an operator.
struct Exchange {
  enum class Kind : uint8_t {
    kAny,        // any instance will do
    kHash,       // equal keys meet at one instance
    kSingle,     // one instance sees everything
    kBroadcast,  // every instance sees everything
  };
  Kind kind = Kind::kAny;
  std::vector<ExpressionPtr> keys;  // kHash: over the input's schema
};

/// State that an operator keeps between batches, by name: what checkpoints and reload bind to.
using StateDeclaration = StateShape;

/// Something of the configuration that the rows of the state stand for and their columns do not show: what
/// the keys are computed from, the window. Canonical: another text of the same name is another state.
struct StateFact {
  std::string name;   // "group_by"
  std::string value;  // "lower(channel)"
  friend bool operator==(const StateFact&, const StateFact&) = default;
};

/// Immutable and safe to share between threads.
class BoundOperator {
 public:
  virtual ~BoundOperator() = default;

  /// Output ports in order and their schemas; `ok` is port 0. The `errors` port is the host's and is not
  /// listed.
  std::vector<PortSpec> ports;
  std::vector<SchemaPtr> outputs;
  /// One per input.
  std::vector<Exchange> exchanges;
  std::vector<StateDeclaration> states;
  /// What makes saved state another one. A name that only one of two versions of a pipeline has is not
  /// compared.
  std::vector<StateFact> facts;
  /// May a row fail? Then the node has an `errors` port and its input carries the origin.
  bool can_fail = false;
  /// Output rows come in the order of their input rows and carry its ordinal.
  bool preserves_order = true;
  /// Bytes of memory for the state of an instance, above which the host has it spilled; 0: it stays in
  /// memory.
  int64_t spill_above = 0;

  /// Rows may be combined before the exchange, in the workers upstream: a combiner turns them into fewer rows
  /// of this schema, spread by these keys (over it), and a merger takes those. Null: not possible. Only used
  /// for an operator of one input whose error ports are not wired.
  SchemaPtr partial;
  std::vector<ExpressionPtr> partial_keys;
  virtual std::unique_ptr<Operator> CreateCombiner() const { return nullptr; }
  virtual std::unique_ptr<Operator> CreateMerger() const { return nullptr; }

  /// Which columns of input `input` are read when `wanted[port][column]` of the outputs are.
  virtual std::vector<bool> NeededColumns(int input, const std::vector<std::vector<bool>>& wanted) const = 0;
  virtual std::unique_ptr<Operator> Create() const = 0;
};

struct OperatorDefinition : Definition {
  int min_inputs = 1;
  int max_inputs = 1;
  /// Accepts batches with change kinds.
  bool takes_changes = false;
  /// Fixed ports beyond those that BoundOperator adds, for the reference.
  std::vector<PortSpec> ports;
  /// Null after reporting problems to the context.
  std::function<std::shared_ptr<const BoundOperator>(BindContext&)> bind;
};

// --- Formats ---------------------------------------------------------------------------------------------

struct FormatTraits {
  /// Records end at a newline: a byte stream can be cut at newlines without decoding.
  bool line_delimited = true;
  /// A newline always ends a record (no quoted newlines): a file can be split by byte range.
  bool splittable = true;
  /// The first line of a file or connection is a header.
  bool header = false;
  /// Not splittable because a newline in a field that begins with this quote does not end the record (CSV);
  /// fields begin at `separator`. 0: every newline ends a record.
  char quote = 0;
  char separator = ',';
};

class BoundFormat {
 public:
  virtual ~BoundFormat() = default;
  FormatTraits traits;
  /// Decoding: what records become. Encoding: the schema given.
  SchemaPtr schema;
  virtual std::unique_ptr<Decoder> CreateDecoder(const DecodeOptions& options) const = 0;
  virtual std::unique_ptr<Encoder> CreateEncoder() const = 0;
};

struct FormatDefinition : Definition {
  bool decodes = true;
  bool encodes = true;
  /// `declared`: the source's `schema:` (empty = none). Null after reporting.
  std::function<std::shared_ptr<const BoundFormat>(BindContext&, const std::vector<DeclaredColumn>& declared)>
      bind_decoder;
  std::function<std::shared_ptr<const BoundFormat>(BindContext&, const SchemaPtr& schema)> bind_encoder;
};

// --- Sources ---------------------------------------------------------------------------------------------

class BoundSource {
 public:
  virtual ~BoundSource() = default;

  bool bounded = false;
  /// Reading again from a position gives the same rows.
  bool replayable = false;
  /// Its peers send again what was not acknowledged, and it acknowledges only what is safe (Source::Stored,
  /// Source::Commit): nothing is lost, rows may come twice.
  bool acknowledges = false;
  /// Besides, every piece that they send has a name, and one that was acknowledged is not taken again: rows
  /// come once.
  bool deduplicates = false;
  /// It calls SourceOutput::BeginUnit: a buffer keeps its marks.
  bool marks_units = false;
  /// Several instances may share the input (splits are dealt by instance number).
  bool parallel = false;
  /// Chunks carry ordinals: file order can be restored downstream.
  bool ordered = false;
  /// Row sources: what they give. Null for byte sources.
  SchemaPtr schema;
  /// What only one pipeline node may hold: "tcp:127.0.0.1:9000"; empty for none.
  std::string exclusive;
  /// Its fixed place in words, for `explain` and progress: "file pipelines/data/bids.jsonl".
  std::string place;

  virtual std::unique_ptr<Source> Create(const FormatTraits& format) const = 0;
  /// Changes whenever the content may have changed (inodes, sizes, modification times); for sources that are
  /// read whole as a table. Unsupported where that cannot be known.
  virtual Result<std::string> Version(Env* env) const {
    (void)env;
    return Status::Unsupported("this connector cannot tell when its content changes");
  }
};

struct SourceDefinition : Definition {
  /// kBytes need `format:`; kRows bring their own schema.
  enum class Gives : uint8_t { kBytes, kRows };
  Gives gives = Gives::kBytes;
  std::string default_format;  // when `format:` is left out; empty = required
  std::function<std::shared_ptr<const BoundSource>(BindContext&)> bind;
};

// --- Sinks -----------------------------------------------------------------------------------------------

/// The strongest thing a sink can keep.
enum class SinkGuarantee : uint8_t {
  kAtMostOnce,   // may lose rows without knowing (UDP, PUB)
  kAtLeastOnce,  // may repeat rows after a failure
  kExactlyOnce,  // commits with the epoch, or starts anew on a restart
};

class BoundSink {
 public:
  virtual ~BoundSink() = default;

  SinkGuarantee guarantee = SinkGuarantee::kAtLeastOnce;
  /// Exactly one worker may write it.
  bool single_writer = true;
  /// Accepts batches with change kinds.
  bool takes_changes = false;
  /// Two nodes with the same non-empty value clash: "file:/abs/path", "tcp:127.0.0.1:9000".
  std::string exclusive;
  std::string place;
  /// Files that one worker holds open at one time besides those that every node may.
  int open_files = 0;

  /// Byte sinks: what records are made of, given the input (with the op column, if there is one).
  virtual SchemaPtr RecordSchema(const SchemaPtr& input) const { return input; }
  /// Byte sinks: makes the records; called in the workers that make the rows. `format` is bound to
  /// RecordSchema(input). A sink that has to know more of a row than its record says wraps the format's and
  /// takes its own records apart again.
  virtual std::unique_ptr<Encoder> CreateEncoder(const BoundFormat& format, const SchemaPtr& input) const {
    (void)input;
    return format.CreateEncoder();
  }
  /// Whether another sink may write to the same place although `exclusive` differs (names made of data): two
  /// such clash as well.
  virtual bool Overlaps(const BoundSink& other) const {
    (void)other;
    return false;
  }

  /// Row sinks: columns it reads, given the input schema. Default: all.
  virtual std::vector<bool> NeededColumns(const Schema& schema) const {
    return std::vector<bool>(static_cast<size_t>(schema.size()), true);
  }
  virtual std::unique_ptr<Sink> Create() const = 0;
};

struct SinkDefinition : Definition {
  enum class Takes : uint8_t { kBytes, kRows };
  Takes takes = Takes::kBytes;
  std::string default_format;
  std::function<std::shared_ptr<const BoundSink>(BindContext&)> bind;
};

// --- Typed construction ----------------------------------------------------------------------------------

/// Wraps `bind(const Config&, BindContext&)` so that the configuration is read and checked first:
///   definition.bind = BindWith<Config>(definition.fields, Bind);
template <typename Config, typename Function>
auto BindWith(std::vector<FieldSpec> fields, Function bind) {
  return [fields = std::move(fields), bind](BindContext& context) -> decltype(bind(Config(), context)) {
    Config config;
    if (!context.ReadConfig(fields, &config)) return nullptr;
    return bind(config, context);
  };
}
/// The same for formats: `bind(const Config&, BindContext&, argument)`.
template <typename Config, typename Argument, typename Function>
auto BindFormatWith(std::vector<FieldSpec> fields, Function bind) {
  return [fields = std::move(fields), bind](
             BindContext& context, const Argument& argument) -> decltype(bind(Config(), context, argument)) {
    Config config;
    if (!context.ReadConfig(fields, &config)) return nullptr;
    return bind(config, context, argument);
  };
}

}  // namespace streamrun
