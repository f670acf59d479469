using System.Text;
using WolfScale.Proxy.Sql;

namespace WolfScale.Unit.Proxy.Sql;

public class WordTableTests
{
    private static readonly string[] Functions =
        [.. $"{WordLists.Functions} {WordLists.SpatialFunctions}".Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    [Fact]
    public void Every_function_is_found_in_any_case()
    {
        foreach (string name in Functions)
        {
            Assert.Equal(WordUse.Function, WordTable.Find(Encoding.ASCII.GetBytes(name)).Use);
            Assert.Equal(WordUse.Function, WordTable.Find(Encoding.ASCII.GetBytes(name.ToUpperInvariant())).Use);
        }
    }

    [Fact]
    public void A_name_that_differs_in_one_byte_is_another_name()
    {
        var known = WordLists.Functions + ' ' + WordLists.SpatialFunctions + ' ' + WordLists.SpatialConstructors + ' ' + WordLists.Syntax + ' '
            + WordLists.AdjacentFunctions + ' ' + WordLists.UserLock + ' ' + WordLists.LastStatement + ' ' + WordLists.ServerLocal + ' ' + WordLists.Sequence;
        var all = known.Split(' ').Concat(Enum.GetNames<Word>().Select(n => n.ToLowerInvariant())).ToHashSet(StringComparer.Ordinal);
        foreach (string name in Functions)
        {
            for (int i = 0; i < name.Length; i++)
            {
                string other = name[..i] + '7' + name[(i + 1)..];
                if (!all.Contains(other))
                    Assert.Equal(default, WordTable.Find(Encoding.ASCII.GetBytes(other)));
            }
        }
    }

    [Theory]
    [InlineData("sql_calc_found_rows", "SqlCalcFoundRows")]
    [InlineData("JSON_table", "JsonTable")]
    [InlineData("Select", "Select")]
    public void A_keyword_is_found_by_its_text(string text, string word) =>
        Assert.Equal(word, WordTable.Find(Encoding.ASCII.GetBytes(text)).Id.ToString());

    [Theory]
    [InlineData("utf8mb4", ClientCharset.Utf8)]
    [InlineData("UTF8MB3", ClientCharset.Utf8)]
    [InlineData("latin1", ClientCharset.SingleByte)]
    [InlineData("gbk", ClientCharset.AsciiUnsafe)]
    [InlineData("swe7", ClientCharset.AsciiUnsafe)]
    [InlineData("latin", ClientCharset.AsciiUnsafe)]
    [InlineData("latin1 latin2", ClientCharset.AsciiUnsafe)]
    [InlineData("", ClientCharset.AsciiUnsafe)]
    public void A_character_set_is_known_or_unsafe(string name, ClientCharset expected) => Assert.Equal(expected, ClientCharsets.FromName(name));
}
