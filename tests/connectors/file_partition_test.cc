// The file sink whose path has columns: where rows go, what is refused, and what stands after any crash.
#include <sys/stat.h>

#include <map>
#include <random>

#include "connectors/file/path_columns.h"
#include "connectors/file/routed_records.h"
#include "connectors/file/stay_inside.h"
#include "core/data/column_builder.h"
#include "tests/connectors/file_sink_fixture.h"

namespace streamrun {
namespace {

using Handles = std::vector<std::string>;

SchemaPtr TextSchema() {
  return std::make_shared<const Schema>(
      std::vector<Field>{{"k", TypeId::kText}, {"v", TypeId::kBigint}, {"day", TypeId::kDate}});
}

std::shared_ptr<const BoundSink> Bound(const Fields& fields, Diagnostics* diagnostics = nullptr) {
  Diagnostics own;
  const ConfigValue config = fields.Value();
  TestBindContext context(config, diagnostics != nullptr ? *diagnostics : own);
  context.inputs = {TextSchema()};
  return Registry::Global().FindSink("file")->bind(context);
}

// Lines with the file each goes to, as the encoder's part of the sink makes them: "name: text".
Encoded Routed(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::vector<std::string> paths;
  for (const auto& [path, text] : rows) {
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  RouteWriter writer(&paths);
  BufferBuilder bytes, ends;
  for (const auto& [path, text] : rows) {
    const auto at = std::find(paths.begin(), paths.end(), path) - paths.begin();
    writer.Add(static_cast<uint32_t>(at), text + "\n", bytes, ends);
  }
  return {bytes.Finish(), ends.Finish()};
}

// Every file below a directory that is no lock: path behind it -> content.
std::map<std::string, std::string> Tree(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string path = entry.path().string();
    if (!entry.is_regular_file() || path.ends_with(".lock")) continue;
    files[path.substr(directory.size() + 1)] = ReadText(path);
  }
  return files;
}
using Files = std::map<std::string, std::string>;

struct Run {
  Run(const Fields& fields, bool bounded, const std::string& state, OutputStart start = OutputStart::kFresh)
      : context(TestSinkContext(bounded)) {
    context.stage_directory = state + "/stage/out/0";
    context.start = start;
    sink = Bound(fields)->Create();
    opened = sink->Open(context);
  }
  Run(const Fields& fields, bool bounded, const std::string& state, const Handles& all, int instance = 0,
      int parallelism = 1)
      : context(TestSinkContext(bounded)) {
    context.stage_directory = state + "/stage/out/" + std::to_string(instance);
    context.start = OutputStart::kResume;
    context.instance = instance;
    context.parallelism = parallelism;
    context.all_handles = all;
    sink = Bound(fields)->Create();
    opened = sink->Open(context);
    for (size_t i = static_cast<size_t>(instance); i < all.size() && opened.ok();
         i += static_cast<size_t>(parallelism)) {
      opened = sink->Commit(1, all[i]).status();
    }
  }
  Run& Write(const std::vector<std::pair<std::string, std::string>>& rows) {
    CHECK(sink->WriteBytes(Routed(rows)).status().ToString() == "ok");
    return *this;
  }
  std::string Prepare(uint64_t epoch) {
    CHECK(*sink->Flush() == SinkOutcome::kAccepted);
    Result<Prepared> prepared = sink->Prepare(epoch);
    REQUIRE(prepared.ok());
    last = *prepared;
    for (const std::string& file : last.files) CHECK(std::filesystem::exists(file));
    for (const std::string& name : last.directories) CHECK(std::filesystem::is_directory(name));
    return last.handle;
  }
  std::string Checkpoint(uint64_t epoch = 1) {
    const std::string handle = Prepare(epoch);
    CHECK(sink->Commit(epoch, handle).status().ToString() == "ok");
    return handle;
  }
  std::string Complete(uint64_t epoch = 9) {
    CHECK(*sink->Finish(true) == SinkOutcome::kAccepted);
    return Checkpoint(epoch);
  }

  SinkContext context;
  std::unique_ptr<Sink> sink;
  Status opened;
  Prepared last;
};

Fields Path(const std::string& path) { return Fields().Set("path", path); }

}  // namespace

TEST_CASE("a value is a part of a name only as it stands, and never leads anywhere else") {
  for (const char* good : {"de", "x-y_z", "a b", "c:\\d", "K\xc3\xb6ln", "{n}", "%2e%2e", "~"}) {
    CAPTURE(good);
    CHECK(NamePartProblem(good).empty());
  }
  const std::vector<std::string> bad = {"",
                                        ".",
                                        "..",
                                        "../../x",
                                        "/etc",
                                        "a/b",
                                        ".hidden",
                                        "a\nb",
                                        "a\x7f",
                                        "\x01",
                                        "\xff",
                                        "\xc2\x85",
                                        std::string("a\0b", 3),
                                        "\xed\xa0\x80"};
  for (const std::string& value : bad) {
    CAPTURE(value);
    CHECK(!NamePartProblem(value).empty());
  }
}

TEST_CASE("scenario 80: rows whose values cannot name a file fail, the others keep their bytes and files") {
  const auto sink = Bound(Path("out/{k}/{day}.jsonl"));
  REQUIRE(sink);
  ColumnBuilder k{DataType(TypeId::kText)}, v{DataType(TypeId::kBigint)}, day{DataType(TypeId::kDate)};
  const std::vector<std::string> keys = {"de", "../../x", "fr", "a\nb", "de", "", std::string(300, 'x'), "n"};
  for (size_t i = 0; i < keys.size(); ++i) {
    k.AppendText(keys[i]);
    v.Append<int64_t>(static_cast<int64_t>(i));
    if (i == 7) {
      day.AppendNull();
    } else {
      day.Append<int32_t>(19723);
    }
  }
  const Batch batch(TextSchema(), static_cast<int64_t>(keys.size()), {k.Finish(), v.Finish(), day.Finish()});
  const ConfigValue none = ConfigValue::Map({}, {});
  Diagnostics diagnostics;
  TestBindContext context(none, diagnostics);
  const auto format = Registry::Global().FindFormat("json")->bind_encoder(context, TextSchema());
  const auto encoder = sink->CreateEncoder(*format, TextSchema());
  BufferBuilder bytes, ends;
  const std::vector<RowFailure> failures = encoder->Encode(batch, bytes, ends);
  REQUIRE(failures.size() == 4);
  const std::vector<uint32_t> rows = {1, 3, 5, 6};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(failures[i].row == rows[i]);
    CHECK(failures[i].code == "file.name");
  }
  CHECK(failures[0].message ==
        "column 'k' has the value '../../x', which is no part of a file name: it begins with a dot");
  CHECK(failures[1].message ==
        "column 'k' has the value 'a?b', which is no part of a file name: it holds a control character");
  CHECK(failures[3].message ==
        "the name '" + std::string(60, 'x') + "...' would have 300 bytes, at most 255 are possible");
  RouteReader reader({bytes.Finish(), ends.Finish()});
  std::vector<std::string> got;
  for (Result<bool> more = reader.Next(); more.ok() && *more; more = reader.Next()) {
    got.push_back(std::string(reader.paths()[reader.path()]) + " " + std::string(reader.record()));
  }
  CHECK(got == Handles{"de/2024-01-01.jsonl {\"k\":\"de\",\"v\":0,\"day\":\"2024-01-01\"}\n",
                       "fr/2024-01-01.jsonl {\"k\":\"fr\",\"v\":2,\"day\":\"2024-01-01\"}\n",
                       "de/2024-01-01.jsonl {\"k\":\"de\",\"v\":4,\"day\":\"2024-01-01\"}\n",
                       "n/__null__.jsonl {\"k\":\"n\",\"v\":7,\"day\":null}\n"});
}

TEST_CASE("the bytes of docs/formats/file_stage.md") {
  const Encoded chunk = Routed({{"de", R"({"v":1})"}, {"fr", R"({"v":2})"}, {"de", R"({"v":3})"}});
  std::string hex;
  for (const char c : chunk.bytes->view()) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x ", static_cast<unsigned char>(c));
    hex += digits;
  }
  CHECK(
      hex ==
      "00 02 64 65 7b 22 76 22 3a 31 7d 0a 01 02 66 72 7b 22 76 22 3a 32 7d 0a 02 7b 22 76 22 3a 33 7d 0a ");
}

TEST_CASE("chunks with paths can be joined, and damaged ones are errors") {
  const Encoded one = Routed({{"a", "1"}, {"b", "2"}, {"a", "3"}});
  const Encoded two = Routed({{"b", "4"}, {"a", "5"}});
  BufferBuilder bytes, ends;
  for (const Encoded* part : {&one, &two}) {
    const auto base = static_cast<uint32_t>(bytes.size());
    bytes.Append(part->bytes->data(), part->bytes->size());
    for (int64_t i = 0; i < part->records(); ++i) ends.Push(base + part->record_ends->as<uint32_t>()[i]);
  }
  const Encoded joined{bytes.Finish(), ends.Finish()};
  RouteReader reader(joined);
  std::string got;
  for (Result<bool> more = reader.Next(); more.ok() && *more; more = reader.Next()) {
    got += std::string(reader.paths()[reader.path()]) + std::string(reader.record());
  }
  CHECK(got == "a1\nb2\na3\nb4\na5\n");
  for (const std::string& damage :
       {std::string("\x02x\n"), std::string("\x00\x7f_\n", 4), std::string("\x80\x80"),
        std::string("\x01\x01x\n", 4), std::string("\0\0x", 3)}) {
    BufferBuilder end;
    end.Push(static_cast<uint32_t>(damage.size()));
    RouteReader damaged({Buffer::Copy(damage), end.Finish()});
    CHECK(damaged.Next().status().code() == Code::kCorruption);
  }
}

TEST_CASE("paths that could be one file are told apart from those that cannot") {
  CHECK(MayBeOneFile("/o/{a}.jsonl", "/o/de.jsonl"));
  CHECK(MayBeOneFile("/o/{a}.jsonl", "/o/{b}.jsonl"));
  CHECK(MayBeOneFile("/o/{a}/{b}.csv", "/o/x/{c}.csv"));
  CHECK(MayBeOneFile("/o/{a}-{b}", "/o/{c}"));
  CHECK(MayBeOneFile("/o/x-{worker}", "/o/x-0"));
  CHECK(!MayBeOneFile("/o/{a}.jsonl", "/o/{a}.csv"));
  CHECK(!MayBeOneFile("/o/{a}.jsonl", "/o/x/de.jsonl"));
  CHECK(!MayBeOneFile("/o/x{a}", "/o/x"));
  CHECK(!MayBeOneFile("/o/{a}/x", "/o/{a}/y"));
  for (const char* path : {"{k}{n}", "{n}{k}", "{k}1{n}", "{k}-{n}-{day}", "{worker}{k}", "{k}-{worker}0"}) {
    CAPTURE(path);
    CHECK(!AmbiguousNumber(path).empty());
  }
  for (const char* path : {"{k}-{n}", "{worker}-{k}-{n}.x", "{k}/{n}", "{k}/{worker}-{n}", "a{n}"}) {
    CAPTURE(path);
    CHECK(AmbiguousNumber(path).empty());
  }
}

TEST_CASE("no symbolic link leads out of the base directory, neither an existing nor a dangling one") {
  const TemporaryDirectory directory;
  const TemporaryDirectory outside;
  const TemporaryDirectory state;
  std::filesystem::create_directories(directory / "out/real");
  std::filesystem::create_directory_symlink(outside.path(), directory / "out/away");
  std::filesystem::create_directory_symlink("real", directory / "out/within");
  std::filesystem::create_symlink(outside / "new.jsonl", directory / "out/.dangling.jsonl.inprogress");
  const auto write = [&](const std::string& path, const std::string& name) {
    Run run(Path(directory / path), true, state.path());
    REQUIRE(run.opened.ok());
    const Status status = run.sink->WriteBytes(Routed({{name, "1"}})).status();
    if (status.ok()) run.Complete();
    return status;
  };
  CHECK(write("out/{k}/x.jsonl", "away/x.jsonl").code() == Code::kPermissionDenied);
  CHECK(write("out/{k}.jsonl", "dangling.jsonl").code() == Code::kPermissionDenied);
  CHECK(Names(outside.path()).empty());
  CHECK(write("out/{k}/x.jsonl", "within/x.jsonl").ok());
  CHECK(ReadText(directory / "out/real/x.jsonl") == "1\n");
}

TEST_CASE("a bounded run: each file appears whole at the end, those of other values stay") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  const Fields fields = Path(directory / "{k}.jsonl");
  WriteText(directory / "de.jsonl", "old\n");
  WriteText(directory / "it.jsonl", "old\n");
  Handles handles;
  {
    Run first(fields, true, state.path());
    handles = {first.Write({{"de.jsonl", "1"}, {"fr.jsonl", "2"}}).Checkpoint()};
    first.Write({{"de.jsonl", "void"}, {"es.jsonl", "void"}});
    CHECK(*first.sink->Flush() == SinkOutcome::kAccepted);
    CHECK(ReadText(directory / "de.jsonl") == "old\n");
    CHECK(ReadText(directory / ".es.jsonl.inprogress") == "void\n");
  }
  Run second(fields, true, state.path(), handles);
  CHECK(second.opened.ToString() == "ok");
  // What was begun behind the epoch is gone, whether its value comes again or not.
  CHECK(!std::filesystem::exists(directory / ".es.jsonl.inprogress"));
  second.Write({{"fr.jsonl", "3"}}).Complete();
  CHECK(Tree(directory.path()) == Files{{"de.jsonl", "1\n"}, {"fr.jsonl", "2\n3\n"}, {"it.jsonl", "old\n"}});
}

TEST_CASE("files that grow where they are: a restart cuts and removes exactly what no epoch counts") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  bool append = false;
  SUBCASE("replaced") {}
  SUBCASE("appended to") { append = true; }
  const Fields fields = append ? Path(directory / "{k}").Set("if_exists", "append") : Path(directory / "{k}");
  WriteText(directory / "b", "theirs\n");
  std::string handle;
  {
    Run first(fields, false, state.path());
    first.Write({{"a", "void"}, {"b", "void"}});
    CHECK(*first.sink->Flush() == SinkOutcome::kAccepted);
  }
  {
    // It died before its first epoch: its rows come again, perhaps others.
    Run again(fields, false, state.path(), OutputStart::kReread);
    CHECK(again.opened.ToString() == "ok");
    CHECK(!std::filesystem::exists(directory / "a"));
    handle = again.Write({{"c", "1"}}).Checkpoint();
    again.Write({{"c", "void"}, {"b", "void"}, {"d", "void"}});
    CHECK(*again.sink->Flush() == SinkOutcome::kAccepted);
  }
  Run last(fields, false, state.path(), {handle});
  CHECK(last.opened.ToString() == "ok");
  Files expected{{"c", "1\n"}};
  if (append) expected["b"] = "theirs\n";
  CHECK(Tree(directory.path()) == expected);
  handle = last.Write({{"b", "2"}, {"c", "3"}}).Checkpoint(2);
  CHECK(ReadText(directory / "b") == (append ? "theirs\n2\n" : "2\n"));
  CHECK(ReadText(directory / "c") == "1\n3\n");
  // What did not change is not made durable again.
  last.Write({{"c", "4"}}).Prepare(3);
  CHECK(last.last.files == Handles{directory / "c"});
}

TEST_CASE("the notes of a run that came to its end mean nothing to the next one") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  const Fields fields = Path(directory / "{k}").Set("if_exists", "append");
  for (int run = 0; run < 3; ++run) Run(fields, true, state.path()).Write({{"a", "1"}}).Complete();
  CHECK(ReadText(directory / "a") == "1\n1\n1\n");
}

TEST_CASE("a run that had come to its end takes rows in again: only the files that they are for change") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  for (const bool bounded : {true, false}) {
    const std::string folder = directory / (bounded ? "b" : "u");
    const Fields fields = Path(folder + "/{k}");
    std::string handle = Run(fields, bounded, state.path()).Write({{"a", "1"}, {"b", "2"}}).Complete(1);
    {
      Run again(fields, bounded, state.path(), {handle});
      CHECK(again.opened.ToString() == "ok");
      handle = again.Write({{"a", "3"}, {"c", "4"}}).Complete(2);
      CHECK(std::count(again.last.files.begin(), again.last.files.end(), folder + "/b") == 0);
    }
    Run third(fields, bounded, state.path(), {handle});
    CHECK(third.opened.ToString() == "ok");
    third.Complete(3);
    CHECK(Tree(folder) == Files{{"a", "1\n3\n"}, {"b", "2\n"}, {"c", "4\n"}});
    std::filesystem::remove_all(state / "stage");
  }
}

TEST_CASE("parts: numbers are never used twice, void ones are gone, also when an older epoch is restored") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  const Fields fields =
      Path(directory / "{k}-{n}").Set("roll", Fields().Set("size", "4B")).Set("if_exists", "append");
  WriteText(directory / "a-00001", "theirs\n");
  std::string first, second;
  {
    Run run(fields, false, state.path());
    first = run.Write({{"a-\x02", "one"}, {"b-\x02", "1"}}).Checkpoint(1);
    CHECK(Tree(directory.path()) ==
          Files{{"a-00001", "theirs\n"}, {"a-00002", "one\n"}, {".b-00003.inprogress", "1\n"}});
    second = run.Write({{"b-\x02", "2"}, {"c-\x02", "two"}, {"a-\x02", "x"}}).Checkpoint(2);
    run.Write({{"d-\x02", "void"}});
  }
  const Files after_second = {{"a-00001", "theirs\n"},
                              {"a-00002", "one\n"},
                              {"b-00003", "1\n2\n"},
                              {"c-00004", "two\n"},
                              {".a-00005.inprogress", "x\n"}};
  SUBCASE("the last epoch") {
    const Run run(fields, false, state.path(), {second});
    CHECK(run.opened.ToString() == "ok");
    CHECK(Tree(directory.path()) == after_second);
  }
  SUBCASE("the one before") {
    Run run(fields, false, state.path(), {first});
    CHECK(run.opened.ToString() == "ok");
    CHECK(Tree(directory.path()) ==
          Files{{"a-00001", "theirs\n"}, {"a-00002", "one\n"}, {".b-00003.inprogress", "1\n"}});
    run.Write({{"a-\x02", "y"}, {"b-\x02", "3"}}).Complete();
    CHECK(Tree(directory.path()) ==
          Files{{"a-00001", "theirs\n"}, {"a-00002", "one\n"}, {"a-00004", "y\n"}, {"b-00003", "1\n3\n"}});
  }
}

TEST_CASE("few files are open at a time: the others are closed and gone on with, compressed ones too") {
  for (const char* suffix : {"", ".gz"}) {
    const TemporaryDirectory directory;
    const TemporaryDirectory state;
    const Fields fields = Path(directory / ("{k}" + std::string(suffix))).Set("max_open", "3");
    std::mt19937_64 random(7);
    Run run(fields, true, state.path());
    std::map<std::string, std::string> expected;
    const auto open_files = [] {
      return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    const auto at_first = open_files();
    for (int i = 0; i < 2'000; ++i) {
      const std::string name = "f" + std::to_string(random() % 50) + suffix;
      run.Write({{name, std::to_string(i)}});
      expected[name] += std::to_string(i) + "\n";
      if (i % 400 == 0) run.Checkpoint(static_cast<uint64_t>(i) + 1);
      CHECK(open_files() <= at_first + 5);
    }
    run.Complete(10'000);
    CHECK(Tree(directory.path()).size() == 50);
    for (const auto& file : expected) {
      const std::string path = directory / file.first;
      if (*suffix == '\0') CHECK(ReadText(path) == file.second);
      if (*suffix != '\0') CHECK(Decompressed(path) == file.second);
    }
  }
}

TEST_CASE("too many values end the pipeline with the options that help") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  Run run(Path(directory / "{k}").Set("max_files", "2"), true, state.path());
  const Status status = run.sink->WriteBytes(Routed({{"a", "1"}, {"b", "2"}, {"c", "3"}})).status();
  CHECK(status.code() == Code::kResourceExhausted);
  CHECK(status.message().find("'max_files' allows no more; write parts with `roll`") != std::string::npos);
}

TEST_CASE("a closed file that somebody else wrote to is not gone on with") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  Run run(Path(directory / "{k}").Set("max_open", "1"), false, state.path());
  run.Write({{"a", "1"}, {"b", "2"}});
  AppendText(directory / "a", "theirs\n");
  CHECK(run.sink->WriteBytes(Routed({{"a", "3"}})).status().code() == Code::kCorruption);
}

TEST_CASE("workers come and go: the files of one that is no more get their names with the others") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  const Fields fields = Path(directory / "{k}-{worker}");
  Handles handles;
  for (int worker = 0; worker < 3; ++worker) {
    Run run(fields, true, state.path(), Handles{"", "", ""}, worker, 3);
    REQUIRE(run.opened.ToString() == "ok");
    handles.push_back(run.Write({{"a-\x01", "1"}, {"b-\x01", "2"}}).Checkpoint());
    run.Write({{"c-\x01", "void"}});
    CHECK(*run.sink->Flush() == SinkOutcome::kAccepted);
  }
  {
    Run one(fields, true, state.path(), handles, 0, 1);
    CHECK(one.opened.ToString() == "ok");
    handles = {one.Write({{"a-\x01", "3"}}).Checkpoint(2)};
  }
  Run first(fields, true, state.path(), handles, 0, 2);
  Run second(fields, true, state.path(), handles, 1, 2);
  CHECK(first.opened.ToString() == "ok");
  CHECK(second.opened.ToString() == "ok");
  second.Write({{"a-\x01", "4"}}).Complete();
  first.Complete();
  CHECK(Tree(directory.path()) == Files{{"a-0", "1\n3\n"},
                                        {"b-0", "2\n"},
                                        {"a-1", "1\n4\n"},
                                        {"b-1", "2\n"},
                                        {"a-2", "1\n"},
                                        {"b-2", "2\n"}});
}

TEST_CASE("after a failure whose rows do not come again, files go on behind their last whole record") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  for (const bool bounded : {true, false}) {
    const Fields fields = Path(directory / (bounded ? "b/{k}" : "u/{k}"));
    {
      Run run(fields, bounded, state.path());
      run.Write({{"a", "1"}, {"b", "2"}});
      CHECK(*run.sink->Flush() == SinkOutcome::kAccepted);
    }
    AppendText(directory / (bounded ? "b/.a.inprogress" : "u/a"), "torn");
    Run run(fields, bounded, state.path(), OutputStart::kContinue);
    CHECK(run.opened.ToString() == "ok");
    run.Write({{"a", "3"}}).Complete();
    CHECK(Tree(directory / (bounded ? "b" : "u")) == Files{{"a", "1\n3\n"}, {"b", "2\n"}});
    std::filesystem::remove_all(state / "stage");
  }
}

TEST_CASE("one process writes an output at a time; the lock goes with its holder") {
  const TemporaryDirectory directory;
  const TemporaryDirectory state;
  for (const std::string& path : {directory / "{k}.jsonl", directory / "x/one.jsonl"}) {
    const Fields fields = Path(path);
    SinkContext context = TestSinkContext();
    {
      const auto sink = Bound(fields)->Create();
      REQUIRE(sink->Open(context).ok());
      const auto other = Bound(fields)->Create();
      const Status status = other->Open(context);
      CHECK(status.code() == Code::kAlreadyExists);
      CHECK(status.message().find("another process writes " + path) != std::string::npos);
      CHECK(status.message().find("is locked by pid " + std::to_string(::getpid())) != std::string::npos);
    }
    const auto next = Bound(fields)->Create();
    CHECK(next->Open(context).ok());
  }
  std::vector<std::string> left = *Env::Default()->List(directory.path());
  CHECK(std::none_of(left.begin(), left.end(), [](const auto& name) { return name.ends_with(".lock"); }));
}

TEST_CASE("what the planner is told of a path with columns") {
  Diagnostics diagnostics;
  const auto sink = Bound(Path("out/{k}/{day}.jsonl").Set("max_open", "7"), &diagnostics);
  REQUIRE(sink);
  CHECK(sink->guarantee == SinkGuarantee::kExactlyOnce);
  CHECK(sink->single_writer);
  CHECK(sink->open_files == 7);
  CHECK(sink->place == "files out/{k}/{day}.jsonl");
  CHECK(sink->RecordSchema(TextSchema())->size() == 3);
  CHECK(!Bound(Path("out-{k}-{worker}"))->single_writer);
  const auto without = Bound(Path("out/{k}/{day}.jsonl").Set("keep_columns", "false"));
  REQUIRE(without);
  CHECK(without->RecordSchema(TextSchema())->ToString() == "v bigint");
  CHECK(Bound(Path("out/de/x.jsonl"))->Overlaps(*sink));
}

}  // namespace streamrun
