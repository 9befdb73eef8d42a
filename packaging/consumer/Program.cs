// What somebody does who has only the packages: a host with a hub and a client, and the tool against that hub. Then it looks into the packages.

using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Reflection.Metadata;
using System.Text;
using MessageDelivery.Client;
using MessageDelivery.Hub;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

string[] made = ["MessageDelivery.Client", "MessageDelivery.Hub", "MessageDelivery.Protocol", "MessageDelivery.Tool", "MessageDelivery.Web"];
string folder = args[0], tool = args[1];
var problems = new List<string>();
await UseAsync();
foreach (string package in Directory.GetFiles(folder, "*.nupkg"))
{
    LookInto(package);
}

Check(Directory.GetFiles(folder, "*.nupkg").Length == made.Length, $"there are {made.Length} packages");
problems.ForEach(Console.Error.WriteLine);
Console.WriteLine(problems.Count == 0 ? "the packages are complete, and a program outside of the repository uses them" : $"{problems.Count} problems with the packages");
return problems.Count == 0 ? 0 : 1;

void Check(bool holds, string what)
{
    if (!holds)
    {
        problems.Add($"not so: {what}");
    }
}

async Task UseAsync()
{
    int port;
    using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
    {
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    HostApplicationBuilder builder = Host.CreateApplicationBuilder();
    builder.Logging.ClearProviders();
    builder.Configuration["Hub:Port"] = $"{port}";
    builder.Services.AddMessageHub(options => options with { Listen = [new(IPAddress.Loopback, port)] });
    builder.Services.AddMessageHubWeb();
    builder.Services.AddHubClient(builder.Configuration.GetSection("Hub"));
    using IHost host = builder.Build();
    await host.StartAsync();
    HubClient client = host.Services.GetRequiredService<HubClient>();
    await client.WaitUntilConnectedAsync();
    using Process mds = Process.Start(new ProcessStartInfo(tool, ["relay", "--hub", $"127.0.0.1:{port}", "--to", $"{client.UserId}", "hello"]) { RedirectStandardOutput = true })!;
    await foreach (Delivery delivery in client.ReceiveAsync())
    {
        using (delivery)
        {
            Check(Encoding.UTF8.GetString(delivery.Body.Span) == "hello", "what the tool sends arrives");
            break;
        }
    }

    using var http = new HttpClient();
    Check(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/readyz")) == "ok\n", "the hub says over HTTP that it is ready");
    await mds.WaitForExitAsync();
    Check(mds.ExitCode == 0, "the tool says that it was sent");
    await host.StopAsync();
}

void LookInto(string path)
{
    string file = Path.GetFileName(path), name = made.FirstOrDefault(known => file.StartsWith($"{known}.", StringComparison.Ordinal)) ?? "";
    Check(name.Length > 0, $"{file} is a package that somebody needs");
    using ZipArchive package = ZipFile.OpenRead(path);
    string[] entries = [.. package.Entries.Select(entry => entry.FullName)];
    using var reader = new StreamReader(package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open());
    string nuspec = reader.ReadToEnd();
    Check(entries.Contains("README.md") && nuspec.Contains("<readme>README.md</readme>", StringComparison.Ordinal), $"{file} has a readme");
    Check(nuspec.Contains("<license type=\"expression\">MIT</license>", StringComparison.Ordinal), $"{file} has its licence");
    Check(nuspec.Contains("<tags>", StringComparison.Ordinal) && !nuspec.Contains("Package Description", StringComparison.Ordinal), $"{file} has tags and a description");
    Check(!nuspec.Contains("<repository", StringComparison.Ordinal) && !nuspec.Contains("projectUrl", StringComparison.Ordinal), $"{file} names no place");
    bool isTool = name.EndsWith("Tool", StringComparison.Ordinal);
    Check(isTool == nuspec.Contains("DotnetTool", StringComparison.Ordinal), $"{file} is a tool if it is the tool");
    string library = isTool ? "tools/net10.0/any/mds" : $"lib/net10.0/{name}";
    Check(entries.Contains($"{library}.dll"), $"{file} has {library}.dll");
    Check(isTool || entries.Contains($"{library}.xml"), $"{file} has what an editor shows");

    string symbols = Path.ChangeExtension(path, ".snupkg");
    Check(File.Exists(symbols), $"{file} has symbols");
    if (!File.Exists(symbols))
    {
        return;
    }

    using ZipArchive debug = ZipFile.OpenRead(symbols);
    using var bytes = new MemoryStream();
    using (Stream stream = debug.Entries.Single(entry => entry.FullName == $"{library}.pdb").Open())
    {
        stream.CopyTo(bytes);
    }

    bytes.Position = 0;
    using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(bytes);
    MetadataReader metadata = provider.GetMetadataReader();
    foreach (DocumentHandle handle in metadata.Documents)
    {
        string document = metadata.GetString(metadata.GetDocument(handle).Name);
        Check(document.StartsWith("/_/", StringComparison.Ordinal), $"{document} names no folder of the machine that made {file}");
        Check(metadata.GetCustomDebugInformation(handle).Any(of => metadata.GetGuid(metadata.GetCustomDebugInformation(of).Kind) == new Guid("0E8A571B-6926-466E-B4AD-8AB04611F5FE")),
            $"{file} has the source {document}");
    }
}
