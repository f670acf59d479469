using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>A statement that the client has prepared. The client knows it by an id of the proxy's, because each server gives its own.</summary>
internal sealed class PreparedStatement(uint id, byte[] sql, StatementClass statement)
{
    public uint Id => id;

    public byte[] Sql => sql;

    public StatementClass Class => statement;

    /// <summary>Its id on the leader's server.</summary>
    public uint LeaderId { get; set; }

    public ushort Parameters { get; set; }

    /// <summary>Types of its parameters as the client last sent them: two bytes each. It leaves them out when they have not changed, and another server has never seen them.</summary>
    public byte[]? Types { get; set; }

    /// <summary>The backend that has them.</summary>
    public Backend? TypesAt { get; set; }
}
