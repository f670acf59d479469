using System.Diagnostics;

namespace WolfScale.MariaDb.Physical;

/// <summary>A program that is run to its end, and killed when it is not waited for any more.</summary>
internal static class SystemProgram
{
    private const int LongestError = 1500;

    /// <summary>What it wrote, both streams together.</summary>
    /// <exception cref="DumpException">It is not installed, or ended with an error; the message holds the end of what it said.</exception>
    public static async Task<string> RunAsync(string name, string package, IEnumerable<string> arguments, string input, CancellationToken cancellationToken, string password = "")
    {
        using var process = Start(name, package, arguments, password);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await FeedAsync(process, async to => await to.WriteAsync(System.Text.Encoding.UTF8.GetBytes(input), cancellationToken));
            await process.WaitForExitAsync(cancellationToken);
            var said = await output + await errors;
            return process.ExitCode == 0 ? said : throw Failed(name, process.ExitCode, said);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    /// <summary>Runs it with a stream as its input.</summary>
    /// <exception cref="DumpException">As above; or the stream was not whole.</exception>
    public static async Task FeedAsync(string name, string package, IEnumerable<string> arguments, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        using var process = Start(name, package, arguments, "");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            Exception? broke = null;
            try
            {
                await FeedAsync(process, write);
            }
            catch (IOException e)
            {
                broke = e; // the program ended before its input did, and says why; or the stream broke, and then it says nothing
            }

            await process.WaitForExitAsync(cancellationToken);
            var said = await output + await errors;
            if (process.ExitCode != 0)
                throw Failed(name, process.ExitCode, said);
            if (broke is not null)
                throw new DumpException($"the copy broke off: {broke.Message}", broke);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private static async Task FeedAsync(Process process, Func<Stream, Task> write)
    {
        try
        {
            await write(process.StandardInput.BaseStream);
        }
        finally
        {
            try
            {
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended.
            }
        }
    }

    private static Process Start(string name, string package, IEnumerable<string> arguments, string password)
    {
        var start = new ProcessStartInfo(Find(name, package)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        if (password.Length > 0)
            start.Environment["MYSQL_PWD"] = password;
        return Process.Start(start) ?? throw new DumpException($"{name} could not be started.");
    }

    private static DumpException Failed(string name, int exitCode, string said) =>
        new($"{name} ended with {exitCode}: {(said.Length > LongestError ? "…" + said[^LongestError..] : said).Trim()}");

    private static string Find(string name, string package)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(["/usr/bin", "/usr/sbin", "/bin", "/usr/local/bin", "/usr/local/sbin"]);
        return folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists)
            ?? throw new DumpException($"{name} is not installed on this machine (Debian: apt-get install {package}).");
    }
}
