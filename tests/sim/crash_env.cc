#include "tests/sim/crash_env.h"

#include <algorithm>

namespace streamrun {

namespace {

Status NoSuch(const std::string& path) { return Status::NotFound("cannot find " + path); }

}  // namespace

class CrashEnv::Reader final : public ReadableFile {
 public:
  Reader(CrashEnv* env, NodePtr node) : env_(env), node_(std::move(node)), life_(env->life_) {}
  Result<size_t> ReadAt(uint64_t offset, size_t length, char* out) override {
    if (life_ != env_->life_) return Status::IoError("the file was open when power failed");
    if (offset >= node_->seen.size()) return size_t{0};
    return node_->seen.copy(out, length, offset);
  }
  Result<FileInfo> Info() override {
    FileInfo info;
    info.size = node_->seen.size();
    info.inode = node_->inode;
    info.is_regular = true;
    return info;
  }

 private:
  CrashEnv* env_;
  NodePtr node_;
  uint64_t life_;
};

class CrashEnv::Writer final : public WritableFile {
 public:
  Writer(CrashEnv* env, NodePtr node) : env_(env), node_(std::move(node)), life_(env->life_) {}
  Status Append(std::string_view data) override {
    SR_RETURN_IF_ERROR(Alive("write"));
    if (env_->capacity_ != ~uint64_t{0} && env_->BytesUnder(*env_->root_) + data.size() > env_->capacity_) {
      return Status::ResourceExhausted("cannot write: no space left on device");
    }
    Put({node_->seen.size(), std::string(data), false});
    return Status::Ok();
  }
  Status Sync() override {
    SR_RETURN_IF_ERROR(Alive("sync"));
    node_->durable = node_->seen;
    node_->writes.clear();
    return Status::Ok();
  }
  Status Truncate(uint64_t length) override {
    SR_RETURN_IF_ERROR(Alive("truncate"));
    Put({length, "", true});
    return Status::Ok();
  }
  Status Close() override { return Status::Ok(); }
  uint64_t size() const override { return node_->seen.size(); }

 private:
  Status Alive(const std::string& what) {
    if (life_ != env_->life_) return Status::IoError("the file was open when power failed");
    return env_->Operate(what);
  }
  void Put(Write write) {
    Apply(write, &node_->seen);
    node_->writes.push_back(std::move(write));
  }

  CrashEnv* env_;
  NodePtr node_;
  uint64_t life_;
};

CrashEnv::CrashEnv() : root_(NewNode(true)) {}

CrashEnv::NodePtr CrashEnv::NewNode(bool directory) {
  auto node = std::make_shared<Node>();
  node->directory = directory;
  node->inode = ++inodes_;
  return node;
}

Status CrashEnv::Operate(const std::string& what) {
  const uint64_t index = operations_++;
  if (index >= stop_at_) return Status::IoError("cannot " + what + ": the process is dead");
  if (index == fail_at_) return {fail_code_, "cannot " + what + ": made to fail"};
  return Status::Ok();
}

// --- What survives ---------------------------------------------------------------------------------------

void CrashEnv::Apply(const Write& write, std::string* content) {
  if (write.truncate) return content->resize(write.offset, '\0');
  if (content->size() < write.offset + write.data.size())
    content->resize(write.offset + write.data.size(), '\0');
  content->replace(write.offset, write.data.size(), write.data);
}

void CrashEnv::Apply(const Change& change, Entries* entries) {
  if (!change.gone.empty()) entries->erase(change.gone);
  if (change.node != nullptr) (*entries)[change.name] = change.node;
}

void CrashEnv::Kill() {
  ++life_;
  operations_ = 0;
  stop_at_ = fail_at_ = ~uint64_t{0};
}

void CrashEnv::Crash(uint64_t seed) {
  random_.seed(seed);
  Kill();
  Settle(root_.get());
}

void CrashEnv::Settle(Node* node) {
  // Some crashes lose everything, some nothing, most something.
  const uint64_t mood = random_() % 4;
  const auto survives = [&] { return mood == 0 ? false : mood == 1 ? true : random_() % 2 == 0; };
  if (!node->directory) {
    for (Write& write : node->writes) {
      if (!survives()) continue;
      if (!write.data.empty() && random_() % 3 == 0) write.data.resize(random_() % write.data.size());
      Apply(write, &node->durable);
    }
    node->writes.clear();
    node->seen = node->durable;
    return;
  }
  for (const Change& change : node->changes) {
    if (survives()) Apply(change, &node->durable_entries);
  }
  node->changes.clear();
  node->entries = node->durable_entries;
  for (const auto& [name, child] : node->entries) Settle(child.get());
}

// --- Paths -----------------------------------------------------------------------------------------------

CrashEnv::NodePtr CrashEnv::Find(const std::string& path) const {
  NodePtr node = root_;
  for (size_t at = 0; at < path.size() && node != nullptr;) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    at = slash + 1;
    if (name.empty()) continue;
    if (!node->directory) return nullptr;
    const auto found = node->entries.find(name);
    node = found == node->entries.end() ? nullptr : found->second;
  }
  return node;
}

Result<CrashEnv::Place> CrashEnv::Locate(const std::string& path) const {
  const size_t slash = path.rfind('/');
  Place place;
  place.directory = Find(slash == std::string::npos ? "" : path.substr(0, slash));
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (place.directory == nullptr || !place.directory->directory || place.name.empty()) return NoSuch(path);
  const auto found = place.directory->entries.find(place.name);
  if (found != place.directory->entries.end()) place.node = found->second;
  return place;
}

void CrashEnv::Alter(const NodePtr& directory, Change change) {
  Apply(change, &directory->entries);
  directory->changes.push_back(std::move(change));
}

// --- Operations ------------------------------------------------------------------------------------------

Result<std::unique_ptr<ReadableFile>> CrashEnv::OpenForRead(const std::string& path) {
  NodePtr node = Find(path);
  if (node == nullptr || node->directory) return NoSuch(path);
  return std::unique_ptr<ReadableFile>(std::make_unique<Reader>(this, std::move(node)));
}

Result<std::unique_ptr<WritableFile>> CrashEnv::OpenForWrite(const std::string& path, WriteMode mode) {
  SR_RETURN_IF_ERROR(Operate("open " + path));
  SR_ASSIGN_OR_RETURN(Place place, Locate(path));
  if (place.node == nullptr) {
    place.node = NewNode(false);
    Alter(place.directory, {"", place.name, place.node});
  } else if (mode == WriteMode::kCreate) {
    return Status(Code::kAlreadyExists, path + " exists");
  } else if (mode == WriteMode::kReplace) {
    place.node->seen.clear();
    place.node->writes.push_back({0, "", true});
  }
  return std::unique_ptr<WritableFile>(std::make_unique<Writer>(this, place.node));
}

Result<FileInfo> CrashEnv::Info(const std::string& path) {
  const NodePtr node = Find(path);
  if (node == nullptr) return NoSuch(path);
  FileInfo info;
  info.size = node->seen.size();
  info.inode = node->inode;
  info.is_directory = node->directory;
  info.is_regular = !node->directory;
  return info;
}

Result<std::vector<std::string>> CrashEnv::List(const std::string& directory) {
  const NodePtr node = Find(directory);
  if (node == nullptr || !node->directory) return NoSuch(directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->entries) names.push_back(name);
  return names;
}

Status CrashEnv::Rename(const std::string& from, const std::string& to) { return Move(from, to, true); }
Status CrashEnv::RenameNoReplace(const std::string& from, const std::string& to) {
  return Move(from, to, false);
}

Status CrashEnv::Move(const std::string& from, const std::string& to, bool replace) {
  SR_RETURN_IF_ERROR(Operate("rename " + from));
  SR_ASSIGN_OR_RETURN(const Place source, Locate(from));
  SR_ASSIGN_OR_RETURN(const Place target, Locate(to));
  if (source.node == nullptr) return NoSuch(from);
  if (target.node != nullptr && !replace) return {Code::kAlreadyExists, to + " exists"};
  if (target.node != nullptr && target.node->directory && !target.node->entries.empty()) {
    return Status::IoError(to + " is not empty");
  }
  if (source.directory != target.directory)
    return Status::Unsupported("a rename from one directory to another");
  Alter(source.directory, {source.name, target.name, source.node});
  return Status::Ok();
}

Status CrashEnv::Link(const std::string& from, const std::string& to) {
  SR_RETURN_IF_ERROR(Operate("link " + from));
  SR_ASSIGN_OR_RETURN(const Place target, Locate(to));
  const NodePtr node = Find(from);
  if (node == nullptr || node->directory) return NoSuch(from);
  if (target.node != nullptr) return {Code::kAlreadyExists, to + " exists"};
  Alter(target.directory, {"", target.name, node});
  return Status::Ok();
}

Status CrashEnv::Remove(const std::string& path) {
  SR_RETURN_IF_ERROR(Operate("remove " + path));
  SR_ASSIGN_OR_RETURN(const Place place, Locate(path));
  if (place.node == nullptr) return NoSuch(path);
  if (place.node->directory && !place.node->entries.empty()) return Status::IoError(path + " is not empty");
  Alter(place.directory, {place.name, "", nullptr});
  return Status::Ok();
}

Status CrashEnv::MakeDirectories(const std::string& path, uint32_t) {
  SR_RETURN_IF_ERROR(Operate("make directory " + path));
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    SR_ASSIGN_OR_RETURN(const Place place, Locate(path.substr(0, at)));
    if (place.node == nullptr) {
      Alter(place.directory, {"", place.name, NewNode(true)});
    } else if (!place.node->directory) {
      return Status::IoError(path + " is a file");
    }
  }
  return Status::Ok();
}

Status CrashEnv::SyncFile(const std::string& path) {
  SR_RETURN_IF_ERROR(Operate("sync " + path));
  const NodePtr node = Find(path);
  if (node == nullptr || node->directory) return NoSuch(path);
  node->durable = node->seen;
  node->writes.clear();
  return Status::Ok();
}

Status CrashEnv::SyncDirectory(const std::string& directory) {
  SR_RETURN_IF_ERROR(Operate("sync directory " + directory));
  const NodePtr node = Find(directory);
  if (node == nullptr || !node->directory) return NoSuch(directory);
  node->durable_entries = node->entries;
  node->changes.clear();
  return Status::Ok();
}

// --- For tests -------------------------------------------------------------------------------------------

void CrashEnv::FlipBit(const std::string& path, uint64_t bit) {
  const NodePtr node = Find(path);
  SR_CHECK(node != nullptr && bit / 8 < node->seen.size());
  node->seen[bit / 8] = static_cast<char>(node->seen[bit / 8] ^ (1 << (bit % 8)));
  node->durable = node->seen;
}

void CrashEnv::Cut(const std::string& path, uint64_t size) {
  const NodePtr node = Find(path);
  SR_CHECK(node != nullptr && !node->directory);
  node->seen.resize(size);
  node->durable = node->seen;
}

std::map<std::string, std::string> CrashEnv::Tree() const {
  std::map<std::string, std::string> tree;
  AddTree("", *root_, &tree);
  return tree;
}

void CrashEnv::AddTree(const std::string& path, const Node& node,
                       std::map<std::string, std::string>* out) const {
  if (!node.directory) {
    (*out)[path] = node.seen;
    return;
  }
  (*out)[path + "/"] = "";
  for (const auto& [name, child] : node.entries) AddTree(path + "/" + name, *child, out);
}

uint64_t CrashEnv::BytesUnder(const Node& node) const {
  uint64_t bytes = node.seen.size();
  for (const auto& [name, child] : node.entries) bytes += BytesUnder(*child);
  return bytes;
}

}  // namespace streamrun
