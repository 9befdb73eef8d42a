using MessageDelivery.Comparison;

return await BenchCommand.Create().Parse(args).InvokeAsync();
