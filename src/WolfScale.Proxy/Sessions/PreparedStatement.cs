using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>A statement that the client has prepared. The client knows it by an id of the proxy's, because each server gives its own.</summary>
/// <param name="id">The proxy's.</param>
/// <param name="sql">Its text.</param>
/// <param name="statement">What the text is.</param>
/// <param name="context">What it was read under: a server that prepares it later must do so under the same.</param>
internal sealed class PreparedStatement(uint id, byte[] sql, StatementClass statement, ParsingContext context)
{
    public uint Id => id;

    public byte[] Sql => sql;

    public StatementClass Class { get; private set; } = statement;

    /// <summary>The views with which it was compared last.</summary>
    public HiddenViews Views { get; set; } = HiddenViews.None;

    /// <summary>A view that was made, or changed, after its preparation.</summary>
    public void MeetsHiddenView(StatementTraits traits) =>
        Class = Class with { Route = StatementRoute.Leader, NamesHiddenView = true, Traits = Class.Traits | traits };

    /// <summary>No other server is to execute it.</summary>
    public void StaysOnLeader() => Class = Class with { Route = StatementRoute.Leader };

    public ParsingContext Context => context;

    /// <summary>On the leader's server.</summary>
    public PreparedCopy AtLeader { get; } = new();

    /// <summary>On the server that answers reads.</summary>
    public PreparedCopy AtLocal { get; } = new();

    public ushort Parameters { get; set; }

    /// <summary>The leader's server has been sent parameters ahead of the execution.</summary>
    public bool HasLongData { get; set; }

    /// <summary>It was executed with a cursor on the leader's server, whose end was not seen.</summary>
    public bool HasCursor { get; set; }

    /// <summary>Types of its parameters as the client last sent them: two bytes each. It leaves them out when they have not changed, and another server has never seen them.</summary>
    public byte[]? Types { get; set; }
}

/// <summary>A <see cref="PreparedStatement"/> as one server has it.</summary>
internal sealed class PreparedCopy
{
    /// <summary>The server's id of it.</summary>
    public uint Id { get; set; }

    /// <summary>The connection on which it is prepared, or null.</summary>
    public Backend? Backend { get; set; }

    /// <summary>The <see cref="PreparedStatement.Types"/> that this connection has been sent.</summary>
    public byte[]? Types { get; set; }

    public void SetAt(Backend backend, uint id) => (Backend, Id, Types) = (backend, id, null);
}
