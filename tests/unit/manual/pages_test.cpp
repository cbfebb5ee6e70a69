// The readings of a program's declaration, over a small one that was made up.
#include <gmock/gmock.h>
#include <boost/program_options/value_semantic.hpp>

#include "config/manual/completion.h"
#include "config/manual/options.h"
#include "config/manual/readings.h"

namespace millrace::manual {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace po = boost::program_options;
using Words = std::vector<std::string>;

po::options_description options() {
  po::options_description out;
  out.add_options()("seed,s", po::value<int>()->value_name("NUMBER")->default_value(7),
                    "where chance begins")("mode", po::value<std::string>()->value_name("fast|slow"), "how")(
      "json", "for programs");
  return out;
}

Program program() {
  return {.name = "mill",
          .summary = "grind",
          .about = "One paragraph.\n\nAnother with `code` and a\nline's end.",
          .options = {{.name = "help", .letter = 'h', .doc = "this page"}},
          .commands = {{.name = "run",
                        .summary = "turn the wheel",
                        .words = "[get [KEY] | set KEY VALUE]",
                        .options = options_of(options()),
                        .examples = {{"run get tcp", "it's one"}},
                        .statuses = {{0, "it ran"}}},
                       {.name = "wheel list", .summary = "wheels"}},
          .placeholders = {{"KEY", {"tcp", "ip"}}},
          .statuses = {{0, "done"}}};
}

TEST(Forms, OfWords) {
  EXPECT_THAT(forms_of(""), ElementsAre(IsEmpty()));
  EXPECT_THAT(forms_of("FILE"), ElementsAre(Words{"FILE"}));
  EXPECT_THAT(forms_of("[SCENARIO...]"), ElementsAre(IsEmpty(), Words{"SCENARIO..."}));
  EXPECT_THAT(forms_of("[get [KEY] | set KEY VALUE]"),
              ElementsAre(IsEmpty(), Words{"get"}, Words{"get", "KEY"}, Words{"set", "KEY", "VALUE"}));
  EXPECT_THAT(forms_of("[FILE"), ElementsAre(IsEmpty(), Words{"FILE"}));
}

TEST(Options, HaveWhatTheParserHas) {
  const std::vector<Option> all = options_of(options());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(form_of(all[0]), "-s, --seed NUMBER");
  EXPECT_EQ(all[0].fallback, "7");
  EXPECT_EQ(form_of(all[1]), "--mode fast|slow");
  EXPECT_EQ(form_of(all[2]), "--json");
}

TEST(Options, Parse_SaysWhatIsWrong) {
  EXPECT_EQ(parse(Words{"-s", "3", "a"}, options(), 1).words, Words{"a"});
  EXPECT_EQ(parse(Words{"-s", "3"}, options()).values["seed"].as<int>(), 3);
  EXPECT_EQ(parse(Words{"a", "b\x1b"}, options(), 1).problem,
            "'b\\x1b' is a word too many: options begin with --");
  EXPECT_THAT(parse(Words{"--jso"}, options()).problem, HasSubstr("--jso"));  // not shortened
  EXPECT_THAT(parse(Words{"--seed"}, options()).problem, Not(IsEmpty()));
}

TEST(Help, OfACommand) {
  EXPECT_EQ(help_text("mill", program().commands[0]),
            "Usage: mill run [OPTIONS] [get [KEY] | set KEY VALUE]\n\nturn the wheel.\n\nOptions:\n"
            "  -s, --seed NUMBER  where chance begins (default 7)\n"
            "  --mode fast|slow   how\n"
            "  --json             for programs\n"
            "\nExamples:\n  mill run get tcp\n      it's one\n\nExit status: 0 it ran.\n");
}

TEST(Help, OfAProgram_NamesItsCommands) {
  EXPECT_THAT(help_text(program()), HasSubstr("\n  run         turn the wheel\n  wheel list  wheels\n"));
}

TEST(Text, IsWrapped) {
  EXPECT_EQ(wrapped("one two three", 9, 2), "  one two\n  three\n");
  EXPECT_EQ(wrapped("longer-than-all a", 5), "longer-than-all\na\n");
  EXPECT_EQ(wrapped("", 5), "");
}

TEST(ManPage, EscapesWhatTroffTakesForItsOwn) {
  Roff page("mill", 1, "mill", "grind");
  page.paragraphs(".leading dot, a \\ backslash, it's `--code`. Next.");
  page.verbatim(".dot\n'quote\n");
  EXPECT_THAT(page.text(),
              HasSubstr("\\&.leading dot, a \\e backslash, it\\(aqs \\fB\\-\\-code\\fR.\nNext.\n"));
  EXPECT_THAT(page.text(), HasSubstr(".EX\n\\&.dot\n\\(aqquote\n.EE\n"));
}

TEST(ManPage, HasEveryOptionAndCommand) {
  const std::string page = man_page(program());
  for (const char* part :
       {".TH MILL 1 ", ".SS mill run [OPTIONS] [get [KEY] | set KEY VALUE]\n",
        "\\fB\\-s\\fR, \\fB\\-\\-seed\\fR \\fINUMBER\\fR\nwhere chance begins.\nDefault: 7.\n",
        ".SS mill wheel list\n", "  mill run get tcp\n"})
    EXPECT_THAT(page, HasSubstr(part));
}

TEST(Markdown, KeepsItsTables) {
  EXPECT_THAT(markdown_page(program()), HasSubstr("| `--mode fast\\|slow` |  | how |\n"));
}

TEST(Completion, PlacesOfWords_ByWhatStandsBefore) {
  const auto places = places_of(program().commands[0]);
  EXPECT_THAT(places.at("").words, ElementsAre("get", "set"));
  EXPECT_THAT(places.at("get").placeholders, ElementsAre("KEY"));
  EXPECT_THAT(places.at("set KEY").placeholders, ElementsAre("VALUE"));
  EXPECT_THAT(places_of({.words = "[-- EAL-ARGUMENT...]"}), IsEmpty());
  EXPECT_TRUE(places_of({.words = "[SCENARIO...]"}).at("").any_number);
}

TEST(Completion, Values_OfPlaceholdersAndChoices) {
  EXPECT_THAT(known_values(program(), "KEY"), ElementsAre("tcp", "ip"));
  EXPECT_THAT(known_values(program(), "fast|slow"), ElementsAre("fast", "slow"));
  EXPECT_THAT(known_values(program(), "NUMBER"), IsEmpty());
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace millrace::manual
