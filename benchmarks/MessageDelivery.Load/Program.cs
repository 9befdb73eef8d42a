using MessageDelivery.Load;

var root = LoadCommand.Command();
root.Add(IdleCommand.Command());
root.Add(ListCommand.Command());
root.Add(TlsProxyCommand.Command());
var arguments = root.Parse(args);
if (arguments.Errors.Count > 0)
{
    string[] lines = arguments.Errors[0].Message.Split('\n', StringSplitOptions.TrimEntries);
    Console.Error.WriteLine($"load: {string.Join(' ', lines)}");
    return ExitCodes.Usage;
}

try
{
    return await arguments.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
}
catch (LoadException e)
{
    Console.Error.WriteLine($"load: {e.Message}");
    return ExitCodes.NotMeasured;
}
