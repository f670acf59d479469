using Spectre.Console;

namespace WolfScale.Client;

/// <summary>
/// Where commands print. Colour and boxes on a terminal; when piped (or with <c>NO_COLOR</c>) plain text with one row a line,
/// so that <c>grep</c> and <c>awk</c> work.
/// </summary>
public static class Terminal
{
    private const int PipedWidth = 400;

    public static bool Interactive { get; } = !Console.IsOutputRedirected;

    /// <summary>Made when it is first used: a command that prints lines alone does not pay for it.</summary>
    public static IAnsiConsole Out => Made.Console;

    /// <summary><c>wolfscale</c> or <c>wolfctl</c>.</summary>
    public static string Program { get; } = AppDomain.CurrentDomain.FriendlyName;

    public static void Error(string message) => Console.Error.WriteLine($"{Program}: {message}");

    public static void Line(string text) => Console.Out.WriteLine(text);

    /// <summary>One line on a terminal's standard error that the next one replaces; null: it goes.</summary>
    public static void Progress(string? text)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.Write("\r\e[K" + text);
    }

    /// <summary>The whole screen for a view that goes on, where the terminal can: what was on it is there again when this is disposed.</summary>
    public static IDisposable TakeScreen() => new WholeScreen(Interactive && Out.Profile.Capabilities.AlternateBuffer);

    /// <summary>A table with a header. Cells are markup.</summary>
    public static Table Table(params string[] columns)
    {
        var table = new Table { Border = Interactive ? TableBorder.Rounded : TableBorder.None, ShowHeaders = true };
        foreach (var column in columns)
            _ = table.AddColumn(new TableColumn(Interactive ? $"[bold]{column}[/]" : column) { NoWrap = true });
        return table;
    }

    /// <summary>A status or role in the colour an operator expects; unknown is a dash.</summary>
    public static string Coloured(string? word) => word switch
    {
        null => "[grey]-[/]",
        "ACTIVE" or "LEADER" => $"[green]{word}[/]",
        "OFFLINE" or "DROPPED" or "NEEDS_MIGRATION" => $"[red]{word}[/]",
        "LAGGING" or "SYNCING" or "JOINING" or "CANDIDATE" => $"[yellow]{word}[/]",
        _ => word.EscapeMarkup(),
    };

    public static string Cell(object? value) => (Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "-").EscapeMarkup();

    private sealed class WholeScreen : IDisposable
    {
        private readonly bool _isTaken;

        public WholeScreen(bool takes)
        {
            _isTaken = takes;
            if (takes)
                Console.Out.Write("\e[?1049h\e[H");
        }

        public void Dispose()
        {
            if (_isTaken)
                Console.Out.Write("\e[?1049l");
        }
    }

    private static class Made
    {
        public static readonly IAnsiConsole Console = Create();
    }

    private static IAnsiConsole Create()
    {
        var plain = !Interactive || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = Interactive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (!Interactive)
            console.Profile.Width = PipedWidth;
        return console;
    }
}
