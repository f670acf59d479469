using System.Text;

namespace WolfScale.Scenarios;

/// <summary>
/// Each file of <c>testdata</c> is a story: commands, a line of dashes, and the conversation they produce.
/// <c>WOLFSCALE_REWRITE=1 dotnet run --project tests/WolfScale.Scenarios</c> writes the conversations anew, so that a change of behaviour
/// is reviewed as a diff.
/// </summary>
public class ScenarioTests
{
    private const string Separator = "----";

    public static TheoryData<string> Files() =>
        [.. Directory.GetFiles(TestData(), "*.txt").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void The_cluster_says_what_the_script_says(string file)
    {
        string path = Path.Combine(TestData(), file);
        string expected = File.ReadAllText(path);
        string actual = Play(expected);
        if (Environment.GetEnvironmentVariable("WOLFSCALE_REWRITE") == "1")
            File.WriteAllText(path, actual);
        else
            Assert.Equal(expected, actual);
    }

    /// <summary>Comments and commands as they stand; what lies between a separator and the next empty line is made anew.</summary>
    private static string Play(string script)
    {
        var runner = new ScriptRunner();
        var result = new StringBuilder();
        var commands = new List<string>();
        bool inOutput = false;
        foreach (string line in script.TrimEnd('\n').Split('\n'))
        {
            if (inOutput)
            {
                if (line.Length > 0)
                    continue;
                inOutput = false;
                result.Append('\n');
                continue;
            }

            result.Append(line).Append('\n');
            if (line == Separator)
            {
                foreach (string command in commands)
                    result.Append(runner.Run(command));
                commands.Clear();
                inOutput = true;
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                commands.Add(line);
            }
        }

        return result.ToString();
    }

    /// <summary>The folder in the source tree, so that a rewrite changes what is under version control.</summary>
    private static string TestData()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "tests", "WolfScale.Scenarios", "testdata");
            if (Directory.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException("tests/WolfScale.Scenarios/testdata is not above the test program");
    }
}
