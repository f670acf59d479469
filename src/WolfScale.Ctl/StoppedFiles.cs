using System.Diagnostics;

namespace WolfScale.Ctl;

/// <summary>Commands that work on the files of a node that does not run.</summary>
internal static class StoppedFiles
{
    /// <exception cref="RefusedException">This is root, and the files are somebody else's, who could not open what root leaves behind.</exception>
    public static void RefuseForeignRoot(string dataDirectory, string command)
    {
        if (Environment.UserName != "root" || !Directory.Exists(dataDirectory))
            return;
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%U", dataDirectory]) { RedirectStandardOutput = true })!;
        var owner = stat.StandardOutput.ReadToEnd().Trim();
        stat.WaitForExit();
        if (owner is not ("" or "root"))
            throw new RefusedException($"{dataDirectory} is {owner}'s, and files that root creates there could not be opened by the node. Run: sudo -u {owner} wolfctl {command} …");
    }
}
