using System.CommandLine;
using Spectre.Console;

namespace WolfScale.Ctl;

/// <summary>What moves or destroys something shows what it will do, and asks on a terminal; without one it wants <c>--yes</c>.</summary>
internal static class Consent
{
    /// <summary>Shows what will be done, and finds out whether to do it.</summary>
    /// <param name="parsed">With <c>--yes</c>.</param>
    /// <param name="dryRun"><c>--dry-run</c>: show only.</param>
    /// <param name="plan">Lines for a person.</param>
    /// <returns>False: nothing is to be done, and that is fine.</returns>
    /// <exception cref="RefusedException">Nobody has agreed.</exception>
    public static bool Given(ParseResult parsed, bool dryRun, params string[] plan)
    {
        var json = parsed.GetValue(CtlOptions.Json);
        foreach (var line in plan)
            (json ? Console.Error : Console.Out).WriteLine(line); // standard output belongs to the answer then
        if (dryRun)
        {
            (json ? Console.Error : Console.Out).WriteLine("Nothing was done (--dry-run).");
            return false;
        }

        if (parsed.GetValue(CtlOptions.Yes))
            return true;
        if (!Terminal.Interactive || Console.IsInputRedirected)
            throw new RefusedException("Nothing was done: without a terminal to ask on, this needs --yes (--dry-run shows only).", ExitCode.Invalid);
        return Terminal.Out.Confirm("Go on?", defaultValue: false) ? true : throw new RefusedException("Nothing was done.");
    }

    /// <summary>For what cannot be taken back: the cluster's name, in <c>--confirm</c> or typed.</summary>
    /// <exception cref="RefusedException">It was not given, or is another's.</exception>
    public static void Named(string? confirm, string cluster)
    {
        if (confirm is null && Terminal.Interactive && !Console.IsInputRedirected)
            confirm = Terminal.Out.Prompt(new TextPrompt<string>($"Type the cluster's name ({cluster.EscapeMarkup()}) to go on:").AllowEmpty());
        if (confirm is null)
            throw new RefusedException($"Nothing was done: this cannot be taken back, so it needs --confirm {cluster}.", ExitCode.Invalid);
        if (confirm != cluster)
            throw new RefusedException($"Nothing was done: the cluster is called {cluster}, and \"{confirm}\" was given. Is it the right one?");
    }
}
