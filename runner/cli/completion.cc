#include "runner/cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace streamrun {

namespace {

struct OptionText {
  std::string name;  // without dashes
  std::string help;
  bool takes_value;
};

struct CommandText {
  std::string name;
  std::string help;
  std::vector<OptionText> options;
  std::vector<std::string> words;
};

std::vector<OptionText> Options(const CLI::App& app) {
  std::vector<OptionText> out;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      out.push_back({name, option->get_description(), option->get_items_expected_max() > 0});
    }
  }
  return out;
}

// A command of commands completes their names and, each once, their options.
void AddNested(const CLI::App& command, CommandText* text) {
  for (const CLI::App* nested : command.get_subcommands([](const CLI::App*) { return true; })) {
    text->words.push_back(nested->get_name());
    for (OptionText& option : Options(*nested)) {
      const auto same = [&](const OptionText& o) { return o.name == option.name; };
      if (std::none_of(text->options.begin(), text->options.end(), same)) {
        text->options.push_back(std::move(option));
      }
    }
  }
}

std::vector<CommandText> Commands(const CLI::App& app,
                                  const std::map<std::string, std::vector<std::string>>& words) {
  std::vector<CommandText> out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty() || command->get_group().empty()) continue;
    const auto found = words.find(command->get_name());
    CommandText text{command->get_name(), command->get_description(), Options(*command),
                     found == words.end() ? std::vector<std::string>() : found->second};
    AddNested(*command, &text);
    out.push_back(std::move(text));
  }
  return out;
}

// In single quotes for a POSIX shell; fish reads \' inside them instead.
std::string ShellQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : c == '\n' ? std::string(" ") : std::string(1, c);
  return out + "'";
}

std::string FishQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

std::string Joined(const std::vector<std::string>& names, char between) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : std::string(1, between)) + name;
  return out;
}

std::vector<std::string> Words(const CommandText& command) {
  std::vector<std::string> out = command.words;
  for (const OptionText& option : command.options) out.push_back("--" + option.name);
  return out;
}

std::string Bash(const std::string& program, const CommandText& top,
                 const std::vector<CommandText>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CommandText& c : commands) names.push_back(c.name);
  std::vector<std::string> first = names;
  for (const std::string& word : Words(top)) first.push_back(word);
  std::string out = "# bash completion: source <(" + program + " completion bash)\n_" + program +
                    "() {\n"
                    "  local current=${COMP_WORDS[COMP_CWORD]} command='' word words\n"
                    "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                    "    case $word in " +
                    Joined(names, '|') +
                    ") command=$word; break ;; esac\n"
                    "  done\n"
                    "  case $command in\n";
  for (const CommandText& c : commands)
    out += "    " + c.name + ") words=" + ShellQuoted(Joined(Words(c), ' ')) + " ;;\n";
  out += "    *) words=" + ShellQuoted(Joined(first, ' ')) + " ;;\n  esac\n";
  out += "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\"; compgen -f -- \"$current\")\n}\n";
  return out + "complete -o filenames -F _" + program + " " + program + "\n";
}

// A description inside zsh's `name:description` and `--option[description]`.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string ZshOptions(const std::vector<OptionText>& options) {
  std::string out;
  for (const OptionText& o : options) {
    const std::string spec = "--" + o.name + (o.takes_value ? "=" : "") + "[" + ZshText(o.help) + "]" +
                             (o.takes_value ? ":value:_files" : "");
    out += " " + ShellQuoted(spec);
  }
  return out;
}

std::string Zsh(const std::string& program, const CommandText& top,
                const std::vector<CommandText>& commands) {
  std::string out = "#compdef " + program + "\n_" + program + "() {\n  local -a commands=(\n";
  for (const CommandText& c : commands) out += "    " + ShellQuoted(c.name + ":" + ZshText(c.help)) + "\n";
  out += "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    _arguments" +
         ZshOptions(top.options) + " '*:file:_files'\n    return\n  fi\n  case $words[2] in\n";
  for (const CommandText& c : commands) {
    const std::string rest =
        c.words.empty() ? "'*:file:_files'" : ShellQuoted("*:name:(" + Joined(c.words, ' ') + ")");
    out += "    " + c.name + ") _arguments" + ZshOptions(c.options) + " " + rest + " ;;\n";
  }
  return out + "    *) _files ;;\n  esac\n}\ncompdef _" + program + " " + program + "\n";
}

std::string FishOption(const std::string& program, const std::string& condition, const OptionText& o) {
  return "complete -c " + program + " -n " + FishQuoted(condition) + " -l " + o.name +
         (o.takes_value ? " -r" : "") + " -d " + FishQuoted(o.help) + "\n";
}

std::string Fish(const std::string& program, const CommandText& top,
                 const std::vector<CommandText>& commands) {
  std::string out;
  for (const OptionText& o : top.options) out += FishOption(program, "__fish_use_subcommand", o);
  for (const CommandText& c : commands) {
    out += "complete -c " + program + " -n __fish_use_subcommand -a " + c.name + " -d " + FishQuoted(c.help) +
           "\n";
    const std::string seen = "__fish_seen_subcommand_from " + c.name;
    for (const OptionText& o : c.options) out += FishOption(program, seen, o);
    if (!c.words.empty()) {
      out += "complete -c " + program + " -n " + FishQuoted(seen) + " -a " +
             FishQuoted(Joined(c.words, ' ')) + "\n";
    }
  }
  return out;
}

}  // namespace

Result<std::string> CompletionScript(const CLI::App& app, const std::string& shell,
                                     const std::map<std::string, std::vector<std::string>>& words) {
  const std::vector<CommandText> commands = Commands(app, words);
  const CommandText top{app.get_name(), app.get_description(), Options(app), {}};
  if (shell == "bash") return Bash(top.name, top, commands);
  if (shell == "zsh") return Zsh(top.name, top, commands);
  if (shell == "fish") return Fish(top.name, top, commands);
  return Status::InvalidArgument("there is completion for bash, zsh and fish, not for '" + shell + "'");
}

}  // namespace streamrun
