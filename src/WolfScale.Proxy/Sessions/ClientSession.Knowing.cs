using System.Text;
using WolfScale.Protocol.Handshake;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>What decides besides a statement's text how it is read, and where it goes.</summary>
internal sealed partial class ClientSession
{
    private int _serverVersion; // as in executable comments
    private bool _hasLockedTables;

    private void NoteVersion(ServerGreeting greeting) => _serverVersion = VersionOf(greeting.ServerVersion);

    /// <summary>How the leader's server reads the session's texts, as the proxy's own statements have it told.</summary>
    private void NoteReading(BackendSetup setup)
    {
        if (setup.SqlMode is { } mode)
            _ansiQuotes = mode.Contains("ANSI_QUOTES", StringComparison.OrdinalIgnoreCase);
        if (setup.Charset is { } charset && ClientCharsets.FromName(charset) != _charset)
            _charset = ClientCharset.AsciiUnsafe; // not what the client has asked for: its texts are left to the leader
    }

    /// <param name="text">For example <c>5.5.5-10.11.19-MariaDB</c>, of which the first part is for old replicas.</param>
    /// <returns>101119, or 0 where it is none.</returns>
    internal static int VersionOf(string text)
    {
        text = text.StartsWith("5.5.5-", StringComparison.Ordinal) ? text[6..] : text;
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return Version.TryParse(dash < 0 ? text : text[..dash], out var version) && version is { Major: < 100, Minor: < 100, Build: >= 0 and < 100 }
            ? (version.Major * 10_000) + (version.Minor * 100) + version.Build
            : 0;
    }

    /// <summary>Under LOCK TABLES no other table can be read (1100), and those as nobody else sees them: every statement is that server's.</summary>
    private void NoteTableLocks(StatementClass statement) => _hasLockedTables |= statement.Has(StatementTraits.LocksTables);
}
