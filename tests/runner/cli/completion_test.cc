// Completion scripts, the one for bash by running it.
#include "runner/cli/completion.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "core/base/env.h"

namespace streamrun {
namespace {

struct Application {
  CLI::App app{"About", "streamrun"};
  std::string value;
  bool flag = false;

  Application() {
    CLI::App* validate = app.add_subcommand("validate", "Say what's wrong: all of it");
    validate->add_option("files", value, "Files");
    validate->add_option("--set", value, "Override a [value]");
    validate->add_flag("--strict", flag, "Refuse warnings");
    CLI::App* state = app.add_subcommand("state", "Look into checkpoints");
    state->add_subcommand("ls", "List")->add_option("--epoch", value, "One of them");
    state->add_subcommand("get", "Rows")->add_option("--epoch", value, "One of them");
    app.add_subcommand("describe", "Tell about a component")->add_option("name", value);
  }
  std::string Script(const std::string& shell) {
    return *CompletionScript(app, shell, {{"describe", {"filter", "file"}}});
  }
};

// What bash would offer for these words.
std::string Complete(const std::string& words, int at) {
  const std::string path = "/tmp/streamrun_completion_" + std::to_string(::getpid());
  REQUIRE(Env::Default()->WriteFileAtomically(path, Application().Script("bash")).ok());
  const std::string command = "cd / && bash -c 'source " + path + "; COMP_WORDS=(" + words +
                              "); COMP_CWORD=" + std::to_string(at) +
                              "; _streamrun; echo \"${COMPREPLY[*]}\"' 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
  CHECK(::pclose(pipe) == 0);
  ::unlink(path.c_str());
  return out;
}

TEST_CASE("bash offers commands first, then the options and words of the command, and files") {
  CHECK(Complete("streamrun vali", 1) == "validate\n");
  CHECK(Complete("streamrun --he", 1) == "--help\n");
  CHECK(Complete("streamrun validate --s", 2) == "--set --strict\n");
  CHECK(Complete("streamrun describe fi", 2) == "filter file\n");
  CHECK(Complete("streamrun state ge", 2) == "get\n");
  CHECK(Complete("streamrun state get --e", 3) == "--epoch\n");  // once, though two have it
  CHECK(Complete("streamrun validate /et", 2) == "/etc\n");
  CHECK(Complete("streamrun validate de", 2).find("describe") == std::string::npos);
}

TEST_CASE("zsh and fish get descriptions, quoted for them") {
  const std::string zsh = Application().Script("zsh");
  CHECK(zsh.starts_with("#compdef streamrun\n"));
  CHECK(zsh.find("'validate:Say what'\\''s wrong\\: all of it'\n") != std::string::npos);
  CHECK(zsh.find("'--set=[Override a \\[value\\]]:value:_files'") != std::string::npos);
  CHECK(zsh.find("'--strict[Refuse warnings]'") != std::string::npos);
  CHECK(zsh.find("'*:name:(filter file)'") != std::string::npos);
  const std::string fish = Application().Script("fish");
  CHECK(fish.find("-a validate -d 'Say what\\'s wrong: all of it'\n") != std::string::npos);
  CHECK(fish.find("'__fish_seen_subcommand_from validate' -l set -r -d") != std::string::npos);
  CHECK(fish.find("'__fish_seen_subcommand_from describe' -a 'filter file'\n") != std::string::npos);
}

TEST_CASE("another shell is refused") {
  const auto script = CompletionScript(Application().app, "tcsh", {});
  CHECK(script.status().message() == "there is completion for bash, zsh and fish, not for 'tcsh'");
}

}  // namespace
}  // namespace streamrun
