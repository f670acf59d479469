using System.Text;
using WolfScale.Protocol.Responses;
using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// User variables. MariaDB does not report them, so what a statement has set is read before the next one is sent: when the leader is gone it is too late. (Not
/// right after it: SHOW WARNINGS, FOUND_ROWS() and the like would then tell of the proxy's own statement; before such a one nothing is read either.)
/// Statements that use them run on the leader only.
/// </summary>
internal sealed partial class ClientSession
{
    private const int LongestVariables = 6_000; // of all that are read at a time: each comes as it is and in hexadecimal, in one packet of 64 KiB

    /// <summary>Their character sets and collations are told too, in the same packet.</summary>
    private const int MostAtOnce = 400;

    private const string NameIsForeign = "a user variable has a name that cannot be written in its character set";

    private bool _asksForNames; // the command under way sets variables whose names only the server can tell
    private readonly HashSet<string> _assigning = []; // by the command under way
    private readonly HashSet<string> _assigned = []; // and not read yet
    private Backend? _assignedAt; // the leader's server; another where the statement was about a read there: SET @n = FOUND_ROWS()

    /// <summary>The names in a statement that sets user variables.</summary>
    private void NoteAssigned(StatementClass statement, ReadOnlySpan<byte> sql)
    {
        if (!statement.Has(StatementTraits.SetsUserVariable) || _login!.IsHop)
            return;
        var names = NamesIn(sql);
        _asksForNames |= names.RemoveAll(name => !CanWrite(name)) > 0;
        _assigning.UnionWith(names);
        if (_assigning.Count == 0 && !_asksForNames)
            _state.TieTo("it has user variables whose names the statement does not tell");
    }

    /// <summary>
    /// How the server reads the proxy's own statements: names in the client's character set, which is latin1 or UTF-8 where the proxy writes any that are no ASCII. (MariaDB's latin1 is cp1252; below 0xA0 the two differ,
    /// and such names are asked for and never written.)
    /// </summary>
    private Encoding NameEncoding => IsLatin1 ? Encoding.Latin1 : Encoding.UTF8;

    private bool IsLatin1 => _charset == ClientCharset.SingleByte && _state.Variable("character_set_client") is null or "latin1";

    /// <summary>The proxy can name the variable to the server as the session is now.</summary>
    private bool CanWrite(string name) => Ascii.IsValid(name) || _charset == ClientCharset.Utf8 || (IsLatin1 && name.All(c => c < 0x80 || c is >= '\u00A0' and <= '\u00FF'));

    /// <summary>The user variables of a statement.</summary>
    private List<string> NamesIn(ReadOnlySpan<byte> sql)
    {
        var names = new List<string>();
        var tokens = new SqlTokenizer(sql, Classifier);
        for (tokens.Next(); tokens.Kind is not (TokenKind.End or TokenKind.Invalid); tokens.Next())
        {
            if (tokens.Kind == TokenKind.UserVariable)
                names.Add((_charset == ClientCharset.Utf8 ? Encoding.UTF8 : Encoding.Latin1).GetString(tokens.Value.Of(sql)).ToLowerInvariant());
        }

        return names;
    }

    private bool MustReadVariables(StatementClass statement) =>
        _assigned.Count > 0 && !statement.Has(StatementTraits.RefersToLastStatement) && _leader is { IsClosed: false };

    /// <summary>Reads what was set, where it was set; then the command that is kept goes on.</summary>
    private void ReadVariables(Backend server)
    {
        if (server.IsClosed)
        {
            LoseVariables();
            return;
        }

        var names = _assigned.ToList();
        if (names.Count > MostAtOnce)
        {
            if (_assignedAt != _leader)
            {
                LoseVariables();
                return;
            }

            _state.TieTo($"it has set more than {MostAtOnce} user variables at once");
            names.Clear();
        }

        if (names.RemoveAll(name => !CanWrite(name)) > 0)
            _state.TieTo(NameIsForeign);
        if (names.Count == 0)
        {
            _assigned.Clear();
            GoOnAfterVariables();
            return;
        }

        (_readies, Phase) = (true, SessionPhase.Preparing);
        var longest = LongestVariables / names.Count;
        var columns = names.Select(name =>
        {
            var variable = "@" + ScriptItem.Quoted(name);
            return $"IF(LENGTH({variable})>{longest},NULL,{variable}),CHARSET({variable}),COLLATION({variable}),"
                + $"IF(LENGTH({variable})>{longest},'long',IF(CHARSET({variable})='binary',HEX(CONCAT({variable})),HEX(CONVERT({variable} USING utf8mb4))))";
        });
        server.Setup = new BackendSetup(server, null, [ScriptItem.Query("SELECT " + string.Join(',', columns), NameEncoding)], (setup, refusal) => OnVariables(names, setup, refusal));
        server.Setup.Begin();
        OnAnotherLeads(); // the leader may have fallen silent since the session spoke last
    }

    private void LoseVariables() => Refuse(ProxyErrors.SessionCannotMove("the server on which its user variables were set last is gone"), 1);

    private void OnVariables(List<string> names, BackendSetup setup, ErrPacket? refusal)
    {
        if (refusal is not null || setup.LastRow.Count != 4 * names.Count || setup.LastTypes.Count < 4 * names.Count
            || Text(setup, 1)?.Contains('\0', StringComparison.Ordinal) != false) // its results are in UTF-16 or UTF-32, as the character set's name shows
            _state.TieTo("its user variables cannot be read");
        else
        {
            for (var i = 0; i < names.Count; i++)
                Remember(names[i], setup.LastTypes[4 * i], Text(setup, (4 * i) + 1)!, Text(setup, (4 * i) + 2)!, Text(setup, (4 * i) + 3));
        }

        _assigned.Clear();
        if (_assignedAt == _leader)
            OnVariablesSet();
        else if (names.TrueForAll(_state.HasUserVariable))
            SetVariables(names);
        else
            LoseVariables();
    }

    /// <summary>Statements that use them run on the leader.</summary>
    private void SetVariables(List<string> names)
    {
        _local!.StateVersion = _state.Version;
        var leader = _leader!;
        leader.Setup = new BackendSetup(leader, null, [_state.UserVariables(names, NameEncoding)], (_, _) => OnVariablesSet());
        leader.Setup.Begin();
        OnAnotherLeads();
    }

    private void OnVariablesSet()
    {
        _readies = false;
        _leader!.StateVersion = _state.Version;
        GoOn();
    }

    private static string? Text(BackendSetup setup, int column) => setup.LastRow[column] is { } value ? Encoding.UTF8.GetString(value) : null;

    /// <summary>As text it has the scale it was set with; the column's own value has 38 decimals.</summary>
    private static string Number(string hex) => Encoding.ASCII.GetString(Convert.FromHexString(hex));

    private void Remember(string name, byte type, string charset, string collation, string? hex)
    {
        if (hex == "long")
            _state.TieTo($"the user variable @{name} is too long to be read");
        else if (hex is null)
            _state.SetUserVariable(name, "NULL");
        else if (type is 0 or 1 or 2 or 3 or 8 or 9 or 246)
            _state.SetUserVariable(name, Number(hex));
        else if (type is 4 or 5)
            _state.SetUserVariable(name, Number(hex) is var real && real.Contains('e', StringComparison.OrdinalIgnoreCase) ? real : Number(hex) + "e0");
        else
            _state.SetUserVariable(name, charset == "binary" ? $"x'{hex}'" : $"CONVERT(_utf8mb4 x'{hex}' USING {charset}) COLLATE {collation}");
    }
}
