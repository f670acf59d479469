using System.CommandLine;
using WolfScale.Server.Configuration;

namespace WolfScale.Server.Cli;

/// <summary><c>wolfscale configuration</c>: the reference of all keys.</summary>
internal static class ConfigurationCommand
{
    public static Command Create()
    {
        var schema = new Option<bool>("--schema") { Description = "As a JSON schema, for editors (Taplo, VS Code)" };
        var page = new Option<bool>("--page") { Description = "As a page in Markdown (this is what it does without options, too)" };
        var command = new Command("configuration", "Prints what every key of the configuration is for") { schema, page };
        command.SetAction(parsed => Console.Out.Write(parsed.GetValue(schema) ? ConfigurationReference.Schema() : ConfigurationReference.Markdown()));
        return command;
    }
}
